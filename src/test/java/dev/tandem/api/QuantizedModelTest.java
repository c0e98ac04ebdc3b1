package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.config.Activation;
import dev.tandem.config.LinearBias;
import dev.tandem.config.ModelConfig;
import dev.tandem.config.NormKind;
import dev.tandem.config.RopePairing;
import dev.tandem.generation.GenerationListener;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.sampling.SamplingOptions;
import dev.tandem.tensor.BlockReference;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.weights.Checkpoint;
import dev.tandem.weights.RandomModels;
import dev.tandem.weights.Retyped;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A model in a quantised type computes, to the bit, what its values in f32 compute. */
class QuantizedModelTest {
  private static final long SEED = 5;
  private static final int[] PROMPT = {7, 300, 2, 41, 41, 509, 8, 0, 13};

  /** Rows of 256 and, in ffn_down, of 800, which only the blocks of 32 divide. */
  private static final ModelConfig GPT2 =
      new ModelConfig(
          "gpt2",
          2,
          4,
          4,
          64,
          256,
          800,
          512,
          32,
          NormKind.LAYER,
          1e-5f,
          Activation.GELU_TANH,
          false,
          LinearBias.ALL,
          RopePairing.NONE,
          0,
          false,
          true);

  private static final ModelConfig LLAMA =
      new ModelConfig(
          "llama",
          2,
          4,
          2,
          64,
          256,
          512,
          512,
          32,
          NormKind.RMS,
          1e-5f,
          Activation.SILU,
          true,
          LinearBias.NONE,
          RopePairing.INTERLEAVED,
          10_000,
          false,
          false);

  static Stream<Arguments> familiesAndTypes() {
    return Stream.of(GPT2, LLAMA)
        .flatMap(config -> BlockReference.TYPES.stream().map(dtype -> Arguments.of(config, dtype)));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("familiesAndTypes")
  void theBitsAreThoseOfItsValuesInF32(ModelConfig config, DType dtype) throws Exception {
    Checkpoint random = RandomModels.of("random", config, DType.F32, SEED);
    Checkpoint quantized = Retyped.withRandomBlocks(random, dtype, SEED);
    assertThat(quantized.tensors().values().stream().map(Tensor::dtype)).contains(dtype, DType.F32);
    List<float[]> expected = logits(Retyped.toF32(quantized));
    assertThat(Bits.firstDifference(expected, logits(quantized))).isEmpty();
    assertThat(Bits.firstDifference(expected, logits(random))).isNotEmpty();
  }

  private static List<float[]> logits(Checkpoint checkpoint) throws Exception {
    try (LocalChain chain = new LocalChain(checkpoint, EngineSettings.defaults())) {
      RecordingStage recording = new RecordingStage(chain.whole());
      Generators.of(checkpoint, List.of(recording))
          .run(
              GenerationRequest.builder(PROMPT)
                  .sampling(SamplingOptions.greedy())
                  .ignoreEos(true)
                  .maxTokens(8)
                  .build(),
              GenerationListener.NONE);
      return recording.rows();
    }
  }
}
