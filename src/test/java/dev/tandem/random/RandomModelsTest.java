package dev.tandem.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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
    assertThat(hash).isEqualTo("f375c55cf6006b65150187b8458c9df6c01a2c0fb6e94680dc64ed498b68329e");
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
    Map<String, Long> known =
        Map.ofEntries(
            Map.entry("stories15M", 15_191_712L),
            Map.entry("distilgpt2", 81_912_576L),
            Map.entry("gpt2", 124_439_808L),
            Map.entry("gpt2-medium", 354_823_168L),
            Map.entry("gpt2-large", 774_030_080L),
            Map.entry("gpt2-xl", 1_557_611_200L),
            Map.entry("smollm2-135m", 134_515_008L),
            Map.entry("smollm2-360m", 361_821_120L),
            Map.entry("smollm2-1.7b", 1_711_376_384L),
            Map.entry("tinyllama", 1_100_048_384L),
            Map.entry("llama2-7b", 6_738_415_616L),
            Map.entry("llama2-13b", 13_015_864_320L),
            Map.entry("llama3-8b", 8_030_261_248L),
            Map.entry("llama3.1-8b", 8_030_261_248L),
            Map.entry("llama3.2-1b", 1_235_814_400L),
            Map.entry("llama3.2-3b", 3_212_749_824L),
            Map.entry("mistral-7b", 7_248_023_552L));
    known.forEach(
        (name, parameters) ->
            assertThat(RandomModels.drawn(name, DType.F16, 1).parameterCount())
                .as(name)
                .isEqualTo(parameters));
    assertThat(RandomModels.shapeNames()).containsAll(known.keySet());
    assertThatThrownBy(() -> RandomModels.drawn("gpt5", DType.F16, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stories42M");
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void drawnWeightsAreThoseInMemory(DType dtype) throws IOException {
    Checkpoint memory = RandomModels.of("distilgpt2", dtype, 3);
    Checkpoint drawn = RandomModels.drawn("distilgpt2", dtype, 3);
    Random random = new Random(4);
    for (Tensor tensor : memory.tensors().values()) {
      Tensor other = drawn.tensor(tensor.name());
      for (int i = 0; i < 20; i++) {
        int length = 1 + random.nextInt((int) Math.min(tensor.bytes(), 300));
        long offset = random.nextLong(tensor.bytes() - length + 1);
        assertThat(other.data().slice(offset, length))
            .as("%s, %d B from %d", tensor.name(), length, offset)
            .isEqualTo(tensor.data().slice(offset, length));
      }
    }
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
    assertThatThrownBy(() -> SyntheticVocabulary.ofSize(259))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no vocabulary of");
  }
}
