package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.Retyped;
import dev.tandem.random.RandomModels;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.tensor.BlockReference;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against the same values in f32: types that are expanded, and in mode reproducible those of 16
 * bits, give the same bits. Where activations are quantised, the logits are close.
 */
class QuantizedModelTest {
  private static final long SEED = 5;
  private static final int[] PROMPT = {7, 300, 2, 41, 41, 509, 8, 0, 13};
  private static final EngineSettings FAST = EngineSettings.defaults();
  private static final EngineSettings REPRODUCIBLE = SplitExactnessTest.settings(256, true, 0, "");

  /** Rows of 256 and, in ffn_down, of 800, which only the blocks of 32 divide. */
  private static final ModelConfig GPT2 =
      ModelConfig.builder(Architecture.GPT2)
          .nLayers(2)
          .nHeads(4)
          .nKvHeads(4)
          .headDim(64)
          .dModel(256)
          .dFf(800)
          .vocabSize(512)
          .maxSeq(32)
          .normEps(1e-5f)
          .tiedHead(true)
          .build();

  private static final ModelConfig LLAMA =
      ModelConfig.builder(Architecture.LLAMA)
          .nLayers(2)
          .nHeads(4)
          .nKvHeads(2)
          .headDim(64)
          .dModel(256)
          .dFf(512)
          .vocabSize(512)
          .maxSeq(32)
          .normEps(1e-5f)
          .ropeTheta(10_000)
          .build();

  /**
   * How far logits may be from those of unquantised activations, as a part of their root mean
   * square. An activation is rounded to 1/127 of its block's largest: 0.23% of the largest at root
   * mean square, and with the largest of 32 at two to three times their own root mean square 0.6%
   * of that. Products keep this share, because the errors are independent like what they are errors
   * of. On the way to the logits there are 9 or 11 of them, one after another or added: 2%. Rows or
   * blocks that were mixed up would be wrong by more than all of it.
   */
  private static final double ACTIVATION_SHARE = 0.04;

  private static final Set<DType> QUANTIZED_ACTIVATIONS =
      EnumSet.of(DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);

  static Stream<Arguments> expandedTypes() {
    return familiesAnd(
        BlockReference.TYPES.stream().filter(type -> !QUANTIZED_ACTIVATIONS.contains(type)));
  }

  static Stream<Arguments> typesWithQuantizedActivations() {
    return familiesAnd(QUANTIZED_ACTIVATIONS.stream());
  }

  static Stream<Arguments> typesOf16Bits() {
    return familiesAnd(Stream.of(DType.F16, DType.BF16));
  }

  private static Stream<Arguments> familiesAnd(Stream<DType> types) {
    return types.flatMap(type -> Stream.of(GPT2, LLAMA).map(config -> Arguments.of(config, type)));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("expandedTypes")
  void theBitsOfExpandedTypesAreThoseOfTheirValuesInF32(ModelConfig config, DType dtype)
      throws Exception {
    Checkpoint random = RandomModels.of("random", config, DType.F32, SEED);
    Checkpoint quantized = Retyped.withRandomBlocks(random, dtype, SEED);
    assertThat(quantized.tensors().values().stream().map(Tensor::dtype)).contains(dtype, DType.F32);
    for (EngineSettings settings : List.of(FAST, REPRODUCIBLE)) {
      List<float[]> expected = logits(Retyped.toF32(quantized), settings);
      assertThat(Bits.firstDifference(expected, logits(quantized, settings))).isEmpty();
      assertThat(Bits.firstDifference(expected, logits(random, settings))).isNotEmpty();
    }
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("typesOf16Bits")
  void theReproducibleBitsOf16BitsAreThoseOfTheirValuesInF32(ModelConfig config, DType dtype)
      throws Exception {
    Checkpoint random = RandomModels.of("random", config, DType.F32, SEED);
    Checkpoint half = Retyped.of(random, dtype);
    List<float[]> expected = logits(Retyped.toF32(half), REPRODUCIBLE);
    assertThat(Bits.firstDifference(expected, logits(half, REPRODUCIBLE))).isEmpty();
    if (dtype == DType.F16) { // has no other kernels in mode fast
      assertThat(Bits.firstDifference(expected, logits(half, FAST))).isEmpty();
    }
    assertThat(Bits.firstDifference(expected, logits(random, REPRODUCIBLE))).isNotEmpty();
    assertThat(Bits.firstDifference(expected, logits(Retyped.toF32(half), FAST))).isNotEmpty();
  }

  /** The embedded models, whose weights are trained and not all of one type. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F16",
    "gpt2-shakespeare, BF16",
    "stories260K, F16",
    "stories260K, BF16"
  })
  void soItIsWithTrainedWeights(String name, DType dtype) throws Exception {
    try (Checkpoint model = Checkpoints.open(name, Optional.empty())) {
      Checkpoint half = Retyped.of(model, dtype);
      List<float[]> expected = logits(Retyped.toF32(half), REPRODUCIBLE);
      assertThat(Bits.firstDifference(expected, logits(half, REPRODUCIBLE))).isEmpty();
      Checkpoint other = Retyped.of(model, dtype == DType.F16 ? DType.BF16 : DType.F16);
      assertThat(Bits.firstDifference(expected, logits(other, REPRODUCIBLE))).isNotEmpty();
    }
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("typesWithQuantizedActivations")
  void quantisedActivationsCostLittle(ModelConfig config, DType dtype) throws Exception {
    Checkpoint random = RandomModels.of("random", config, DType.F32, SEED);
    Checkpoint quantized = Retyped.withRandomBlocks(random, dtype, SEED);
    List<float[]> expected = promptLogits(Retyped.toF32(quantized));
    List<float[]> actual = promptLogits(quantized);
    assertThat(Bits.firstDifference(expected, actual)).isNotEmpty();
    assertThat(difference(expected, actual)).isBetween(1e-4, ACTIVATION_SHARE);
    List<float[]> swapped = new ArrayList<>(actual);
    Collections.swap(swapped, 0, 1);
    assertThat(difference(expected, swapped)).isGreaterThan(ACTIVATION_SHARE);
    List<float[]> zeros = actual.stream().map(row -> new float[row.length]).toList();
    assertThat(difference(expected, zeros)).isGreaterThan(ACTIVATION_SHARE);
  }

  /**
   * In the order of their probability, as far as the order is sure: the greedy token of every row
   * is the same but where the two best logits of the exact row are closer than its error.
   */
  @ParameterizedTest(name = "{1}")
  @MethodSource("typesWithQuantizedActivations")
  void greedyTokensAreThoseOfExactActivations(ModelConfig config, DType dtype) throws Exception {
    Checkpoint random = RandomModels.of("random", config, DType.F32, SEED);
    Checkpoint quantized = Retyped.withRandomBlocks(random, dtype, SEED);
    List<float[]> expected = promptLogits(Retyped.toF32(quantized));
    List<float[]> actual = promptLogits(quantized);
    int sure = 0;
    for (int row = 0; row < expected.size(); row++) {
      float[] exact = expected.get(row);
      int best = best(exact, -1);
      double gap = (double) exact[best] - exact[best(exact, best)];
      // Each of two logits may be off by five times the share of their root mean square.
      if (gap > 2 * 5 * difference(List.of(exact), List.of(actual.get(row))) * size(exact)) {
        assertThat(best(actual.get(row), -1)).as("row %d", row).isEqualTo(best);
        sure++;
      }
    }
    assertThat(sure).isPositive();
  }

  private static int best(float[] logits, int except) {
    int best = except == 0 ? 1 : 0;
    for (int i = 0; i < logits.length; i++) {
      if (i != except && logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  private static double size(float[] row) {
    double squares = 0;
    for (float x : row) {
      squares += (double) x * x;
    }
    return Math.sqrt(squares / row.length);
  }

  /** Root mean square of the differences over that of what is expected. */
  private static double difference(List<float[]> expected, List<float[]> actual) {
    assertThat(actual).hasSameSizeAs(expected);
    double squares = 0;
    double all = 0;
    for (int row = 0; row < expected.size(); row++) {
      for (int i = 0; i < expected.get(row).length; i++) {
        double x = expected.get(row)[i];
        squares += (x - actual.get(row)[i]) * (x - actual.get(row)[i]);
        all += x * x;
      }
    }
    return Math.sqrt(squares / all);
  }

  /** The logits of every row of the prompt. */
  private static List<float[]> promptLogits(Checkpoint checkpoint) throws Exception {
    try (LocalChain chain = new LocalChain(checkpoint, FAST)) {
      RecordingStage recording = new RecordingStage(chain.whole());
      try (Sequence rows = recording.openSequence(PROMPT.length)) {
        FloatBuffer in = floats(PROMPT.length * checkpoint.config().dModel());
        EmbeddingTable.of(checkpoint).lookup(PROMPT, 0, PROMPT.length, 0, in, 0);
        Batch batch = new Batch();
        batch.add(rows, 0, PROMPT.length, RowKind.PROMPT, true, 0, PROMPT.length);
        recording.step(batch, in, floats(PROMPT.length * checkpoint.config().vocabSize()));
      }
      return recording.rows();
    }
  }

  private static FloatBuffer floats(int n) {
    return ByteBuffer.allocateDirect(n * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  private static List<float[]> logits(Checkpoint checkpoint, EngineSettings settings)
      throws Exception {
    try (LocalChain chain = new LocalChain(checkpoint, settings)) {
      RecordingStage recording = new RecordingStage(chain.whole());
      new GeneratorFactory(checkpoint, checkpoint.tokenizer())
          .of(List.of(recording))
          .run(
              GenerationRequest.of(PROMPT)
                  .sampling(SamplingOptions.greedy())
                  .ignoreEos(true)
                  .maxTokens(8),
              TokenSink.NONE);
      return recording.rows();
    }
  }
}
