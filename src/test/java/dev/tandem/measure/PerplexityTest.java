package dev.tandem.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.formats.Checkpoints;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.Retyped;
import dev.tandem.runtime.LocalChain;
import dev.tandem.runtime.SplitExactnessTest;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("slow")
class PerplexityTest {
  private static final String SHAKESPEARE = "gpt2-shakespeare";
  private static final String STORIES = "stories260K";
  private static final int CORPUS_TOKENS = 8000;

  /** By corpus/perplexity.py, in f64. The table of GELU and f32 together change it by 2e-5. */
  private static final double F64_PERPLEXITY = 48.0999103;

  private static final EngineSettings REPRODUCIBLE =
      new EngineSettings(0, "", Optional.empty(), Optional.empty(), true, 16);

  /** The figures of docs/perplexity.md. */
  @Test
  void typesCostWhatTheyMay() throws IOException {
    Map<DType, Double> perplexities = new EnumMap<>(DType.class);
    try (Checkpoint model = Checkpoints.open(SHAKESPEARE, Optional.empty())) {
      int[] ids = corpus(model);
      for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0)) {
        Checkpoint retyped = Retyped.of(model, dtype);
        Perplexity.Result result = measure(retyped, EngineSettings.defaults(), ids, 256, 256);
        assertThat(result.windows()).isEqualTo(32);
        assertThat(result.scored()).isEqualTo(CORPUS_TOKENS - 32);
        perplexities.put(dtype, result.perplexity());
      }
      // The file's weights are f16, so in mode reproducible these are the same numbers.
      EngineSettings reproducible = SplitExactnessTest.settings(256, true, 0, "");
      assertThat(measure(model, reproducible, ids, 256, 256).perplexity())
          .isEqualTo(perplexities.get(DType.F16))
          .isEqualTo(measure(Retyped.toF32(model), reproducible, ids, 256, 256).perplexity());
    }
    double f32 = Objects.requireNonNull(perplexities.get(DType.F32));
    assertThat(f32).isCloseTo(F64_PERPLEXITY, within(1e-4));
    assertThat(perplexities.get(DType.F16)).isCloseTo(f32, within(1e-5 * f32));
    assertThat(perplexities.get(DType.BF16)).isCloseTo(f32, within(0.005 * f32)).isNotEqualTo(f32);
    assertThat(perplexities.get(DType.Q8_0)).isCloseTo(f32, within(0.005 * f32)).isNotEqualTo(f32);
    assertThat(perplexities.get(DType.Q4_0)).isCloseTo(f32, within(0.1 * f32)).isNotEqualTo(f32);
  }

  /** Negative control of the bounds: other weights of the same size are far beyond them. */
  @Test
  void otherWeightsAreNoticed() throws IOException {
    try (Checkpoint model = Checkpoints.open(SHAKESPEARE, Optional.empty())) {
      int[] ids = corpus(model);
      double good = measure(model, EngineSettings.defaults(), ids, 256, 256).perplexity();
      Checkpoint other = Retyped.withRandomBlocks(model, DType.Q8_0, 1);
      assertThat(measure(other, EngineSettings.defaults(), ids, 256, 256).perplexity())
          .isGreaterThan(1.1 * good);
    }
  }

  /** Each token on its own, from its window's beginning. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, 50, 16, 16", // the last window has two tokens
    "gpt2-shakespeare, 49, 16, 16", // a window of one token scores none
    "gpt2-shakespeare, 50, 40, 7",
    "gpt2-shakespeare, 50, 40, 1",
    "stories260K, 60, 33, 33", // windows of three chunks, the last of one row
    "stories260K, 33, 100, 50", // a text shorter than a window
    "stories260K, 2, 2, 1"
  })
  void everyTokenIsScoredAsIfAlone(String name, int nTokens, int window, int stride)
      throws IOException {
    try (Checkpoint model = Checkpoints.open(name, Optional.empty());
        LocalChain chain = new LocalChain(model, REPRODUCIBLE)) {
      int[] ids = new Random(3).ints(nTokens, 0, model.config().vocabSize()).toArray();
      RecordingStage stage = new RecordingStage(chain.whole());
      List<Double> losses = new ArrayList<>();
      for (int token = 1; token < nTokens; token++) {
        int begin = 0; // of the first window that holds the token
        while (begin + window <= token) {
          begin += stride;
        }
        if (token > begin) {
          losses.add(loss(lastLogits(stage, model, ids, begin, token), ids[token]));
        }
      }
      Perplexity.Result result = measure(model, REPRODUCIBLE, ids, window, stride);
      assertThat(result.scored()).isEqualTo(losses.size());
      double mean = losses.stream().mapToDouble(d -> d).average().orElseThrow();
      assertThat(result.meanLoss()).isCloseTo(mean, within(1e-12 * mean));
      assertThat(result.perplexity()).isEqualTo(Math.exp(result.meanLoss()));
    }
  }

  @Test
  void eachWindowIsReported() throws IOException {
    try (Checkpoint model = Checkpoints.open(STORIES, Optional.empty())) {
      int[] ids = new Random(3).ints(100, 0, 512).toArray();
      List<Perplexity.Result> soFar = new ArrayList<>();
      Perplexity.Result result =
          Perplexity.measure(model, REPRODUCIBLE, ids, new Perplexity.Options(40, 30), soFar::add);
      assertThat(soFar).extracting(Perplexity.Result::scored).containsExactly(39, 69, 99);
      assertThat(soFar).last().isEqualTo(result);
      assertThat(soFar.get(0))
          .isEqualTo(measure(model, REPRODUCIBLE, Arrays.copyOf(ids, 40), 40, 40));
    }
  }

  @Test
  void whatCannotBeMeasured() throws IOException {
    try (Checkpoint model = Checkpoints.open(STORIES, Optional.empty())) {
      assertRefused(model, new int[] {1}, 16, 16, "at least two tokens");
      assertRefused(model, new int[] {1, 512}, 16, 16, "token id 512");
      assertRefused(model, new int[] {1, 2}, 513, 16, "at most 512");
      assertRefused(model, new int[] {1, 2}, 1, 1, "window must be at least 2");
      assertRefused(model, new int[] {1, 2}, 16, 17, "stride must be in 1..16");
      assertRefused(model, new int[] {1, 2}, 16, 0, "stride must be in 1..16");
    }
  }

  private static void assertRefused(
      Checkpoint model, int[] ids, int window, int stride, String message) {
    assertThatThrownBy(() -> measure(model, REPRODUCIBLE, ids, window, stride))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static Perplexity.Result measure(
      Checkpoint model, EngineSettings settings, int[] ids, int window, int stride)
      throws IOException {
    Perplexity.Options options = new Perplexity.Options(window, stride);
    return Perplexity.measure(model, settings, ids, options, soFar -> {});
  }

  /** The last 8,000 tokens of the whole corpus; see corpus/README.md. */
  private static int[] corpus(Checkpoint model) throws IOException {
    String file = "/corpus/tinyshakespeare-end.txt";
    try (InputStream in = PerplexityTest.class.getResourceAsStream(file)) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      int[] ids = model.tokenizer().encode(text, false);
      return Arrays.copyOfRange(ids, ids.length - CORPUS_TOKENS, ids.length);
    }
  }

  /** The logits after {@code ids[begin .. end-1]}, alone in a sequence. */
  private static float[] lastLogits(
      RecordingStage stage, Checkpoint model, int[] ids, int begin, int end) throws IOException {
    FloatBuffer hidden = floats((end - begin) * model.config().dModel());
    EmbeddingTable.of(model).lookup(ids, begin, end, 0, hidden, 0);
    try (Sequence sequence = stage.openSequence(end - begin)) {
      Batch batch = new Batch();
      batch.add(sequence, 0, end - begin, RowKind.PROMPT, true, end - begin - 1, 1);
      stage.step(batch, hidden, floats(model.config().vocabSize()));
    }
    return stage.rows().get(stage.rows().size() - 1);
  }

  private static double loss(float[] logits, int id) {
    double sum = 0;
    for (float logit : logits) {
      sum += StrictMath.exp(logit);
    }
    return StrictMath.log(sum) - logits[id];
  }

  private static FloatBuffer floats(int n) {
    return ByteBuffer.allocateDirect(n * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
