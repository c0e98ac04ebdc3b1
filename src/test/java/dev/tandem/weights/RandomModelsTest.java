package dev.tandem.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class RandomModelsTest {

  private static float[] values(Tensor tensor) throws IOException {
    float[] values = new float[(int) tensor.elements()];
    tensor.read(0, values.length, values, 0);
    return values;
  }

  private static double deviation(Tensor tensor) throws IOException {
    double sum = 0;
    double squares = 0;
    for (float value : values(tensor)) {
      sum += value;
      squares += (double) value * value;
    }
    double mean = sum / tensor.elements();
    assertThat(mean).isCloseTo(0, within(0.001));
    return Math.sqrt(squares / tensor.elements() - mean * mean);
  }

  @Test
  void theSeedDecidesEveryBit() throws IOException {
    String hash = RandomModels.of("m", TestModels.GPT2, DType.F16, 9).hash().hex();
    assertThat(RandomModels.of("n", TestModels.GPT2, DType.F16, 9).hash().hex()).isEqualTo(hash);
    assertThat(RandomModels.of("m", TestModels.GPT2, DType.F16, 8).hash().hex()).isNotEqualTo(hash);
    // Equal on every machine and with any number of threads.
    assertThat(hash).isEqualTo("87b586bc1ff4c43192b6dfe07f767547637c91315203a04ad08870fa45369a15");
  }

  @Test
  void scalesArePlausible() throws IOException {
    Checkpoint model = RandomModels.of("stories15M", DType.F32, 1);
    assertThat(deviation(model.tensor("token_embd.weight"))).isCloseTo(0.02, within(0.0005));
    assertThat(deviation(model.tensor("blk.5.ffn_gate.weight"))).isCloseTo(0.02, within(0.0005));
    assertThat(deviation(model.tensor("blk.5.ffn_down.weight")))
        .isCloseTo(0.02 / Math.sqrt(12), within(0.0005));
    assertThat(values(model.tensor("output_norm.weight"))).containsOnly(1);
    assertThat(values(model.tensor("blk.0.attn_q.weight")))
        .isNotEqualTo(values(model.tensor("blk.0.attn_k.weight")));
    Checkpoint gpt2 = RandomModels.of("m", TestModels.GPT2, DType.BF16, 1);
    assertThat(values(gpt2.tensor("blk.1.attn_qkv.bias"))).containsOnly(0);
    assertThat(values(gpt2.tensor("blk.1.ffn_norm.weight"))).containsOnly(1);
  }

  @Test
  void shapesHaveTheirKnownParameterCounts() throws IOException {
    assertThat(RandomModels.of("stories15M", DType.F16, 1).parameterCount()).isEqualTo(15_191_712);
    assertThat(RandomModels.of("distilgpt2", DType.F16, 1).parameterCount()).isEqualTo(81_912_576);
    assertThat(RandomModels.of("gpt2", DType.F16, 1).parameterCount()).isEqualTo(124_439_808);
    assertThat(RandomModels.shapeNames()).contains("gpt2-medium", "gpt2-xl", "stories110M");
    assertThatThrownBy(() -> RandomModels.of("gpt5", DType.F16, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stories42M");
  }

  @Test
  void theyCanBeRunLikeModels() throws IOException {
    assertThat(RandomModels.of("gpt2", DType.F16, 1).tokenizer().encode("Hello", false))
        .containsExactly(15496);
    Tokenizer numbered = RandomModels.of("stories15M", DType.F16, 1).tokenizer();
    assertThat(numbered.vocabSize()).isEqualTo(32_000);
    assertThat(numbered.decode(31_999)).isEqualTo("31999");
    assertThat(numbered.decode(numbered.encodePrompt("Zoë has 300", false)))
        .isEqualTo("Zoë has 300");
    assertThatThrownBy(() -> NumberedPieces.ofSize(259))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no vocabulary of");
  }
}
