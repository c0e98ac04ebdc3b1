package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.decoding.TokenSink;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.hosting.HostedModel;
import dev.tandem.measure.stages.SequenceGroup;
import dev.tandem.model.Checkpoint;
import dev.tandem.plain.PlainModel;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.stage.Batch;
import dev.tandem.stage.CopyingStage;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.net.URI;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows in plain Java do not depend on their neighbours, on threads, or on where a model is cut. */
@Tag("slow")
class PlainExactnessTest {
  private static final int N = 150; // more than go through the blocks together
  private static final long SEED = 11;

  private static FloatBuffer inputs(Checkpoint checkpoint, long seed) throws Exception {
    FloatBuffer rows = SequenceGroup.direct((long) N * checkpoint.config().dModel());
    int[] ids = new Random(seed).ints(N, 0, checkpoint.config().vocabSize()).toArray();
    EmbeddingTable.of(checkpoint).lookup(ids, 0, N, 0, rows, 0);
    return rows;
  }

  private static FloatBuffer part(FloatBuffer rows, int width, int from, int n) {
    FloatBuffer part = SequenceGroup.direct((long) n * width);
    part.put(0, rows, from * width, n * width);
    return part;
  }

  /** All output rows of a sequence that is computed in such pieces. */
  private static float[] run(Stage stage, FloatBuffer in, int... pieces) throws Exception {
    int width = stage.spec().outWidth();
    float[] all = new float[N * width];
    try (Sequence sequence = stage.openSequence(N)) {
      int at = 0;
      for (int n : pieces) {
        Batch batch = new Batch();
        batch.add(sequence, at, n, RowKind.GENERATED, false, 0, n);
        FloatBuffer out = SequenceGroup.direct((long) n * width);
        stage.step(batch, part(in, stage.spec().dModel(), at, n), out);
        out.get(0, all, at * width, n * width);
        at += n;
      }
      assertThat(at).isEqualTo(N);
      assertThat(sequence.length()).isEqualTo(N);
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2-shakespeare", "stories260K"})
  void piecesThreadsAndNeighboursDoNotMatter(String name) throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open(name, Optional.empty())) {
      int nLayers = checkpoint.config().nLayers();
      FloatBuffer in = inputs(checkpoint, SEED);
      float[] expected = null;
      for (int threads : new int[] {1, 2, 3}) {
        try (PlainModel model = new PlainModel(checkpoint, threads);
            Stage stage = model.openStage(Span.whole(nLayers), ActivationEval.TABLE, 256)) {
          for (int[] pieces : new int[][] {{N}, {1, 127, 22}, {37, 1, 1, 1, 110}}) {
            float[] got = run(stage, in, pieces);
            expected = expected == null ? got : expected;
            assertThat(got).isEqualTo(expected);
          }
          assertThat(beside(stage, in, inputs(checkpoint, SEED + 1))).isEqualTo(expected);
        }
      }
      assertThat(expected).isNotEqualTo(new float[N * checkpoint.config().vocabSize()]);
    }
  }

  /** The same rows beside those of another sequence, which is truncated every time. */
  private static float[] beside(Stage stage, FloatBuffer in, FloatBuffer other) throws Exception {
    int width = stage.spec().outWidth();
    int dModel = stage.spec().dModel();
    int step = 30;
    float[] all = new float[N * width];
    try (Sequence a = stage.openSequence(N);
        Sequence b = stage.openSequence(N)) {
      for (int at = 0; at < N; at += step) {
        Batch batch = new Batch();
        batch.add(b, Math.max(0, b.length() - 3), 7, RowKind.GENERATED, false, 3, 1);
        batch.add(a, at, step, RowKind.PROMPT, true, 0, step);
        FloatBuffer rows = SequenceGroup.direct((7L + step) * dModel);
        rows.put(0, other, 0, 7 * dModel);
        rows.put(7 * dModel, in, at * dModel, step * dModel);
        FloatBuffer out = SequenceGroup.direct((1L + step) * width);
        stage.step(batch, rows, out);
        out.get(width, all, at * width, step * width);
      }
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2-shakespeare", "stories260K"})
  void copiedRowsGiveTheBitsOfComputedOnes(String name) throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open(name, Optional.empty());
        PlainModel model = new PlainModel(checkpoint, 2);
        CopyingStage stage =
            model.openStage(Span.whole(checkpoint.config().nLayers()), ActivationEval.TABLE, 256)) {
      FloatBuffer in = inputs(checkpoint, SEED);
      int width = stage.spec().outWidth();
      float[] expected = run(stage, in, N);
      int kept = 96;
      try (Sequence whole = stage.openSequence(N);
          Sequence chunk = stage.openSequence(kept / 2);
          Sequence copy = stage.openSequence(N)) {
        Batch batch = new Batch();
        batch.add(whole, 0, kept, RowKind.PROMPT, true, 0, 0);
        stage.step(batch, part(in, stage.spec().dModel(), 0, kept), SequenceGroup.direct(0));
        for (int at = 0; at < kept; at += kept / 2) {
          stage.copy(whole, at, chunk, 0, kept / 2);
          stage.copy(chunk, 0, copy, at, kept / 2);
        }
        assertThat(copy.length()).isEqualTo(kept);
        batch.clear();
        batch.add(copy, kept, N - kept, RowKind.PROMPT, true, 0, N - kept);
        FloatBuffer out = SequenceGroup.direct((long) (N - kept) * width);
        stage.step(batch, part(in, stage.spec().dModel(), kept, N - kept), out);
        float[] got = new float[(N - kept) * width];
        out.get(0, got);
        assertThat(got).isEqualTo(Arrays.copyOfRange(expected, kept * width, N * width));
        assertThatThrownBy(() -> stage.copy(whole, 0, copy, 0, kept + 1))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> stage.copy(whole, 0, chunk, 0, kept))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @Test
  void everyCutGivesTheBitsOfTheWhole() throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open("gpt2-shakespeare", Optional.empty());
        PlainModel model = new PlainModel(checkpoint, 0)) {
      int nLayers = checkpoint.config().nLayers();
      FloatBuffer in = inputs(checkpoint, SEED);
      float[] whole = run(model.openStage(Span.whole(nLayers), ActivationEval.TABLE, 256), in, N);
      for (int cut = 0; cut <= nLayers; cut++) {
        List<Stage> stages = new ArrayList<>();
        stages.add(model.openStage(Span.layers(0, cut), ActivationEval.TABLE, 256));
        stages.add(model.openStage(Span.toLogits(cut, nLayers), ActivationEval.TABLE, 256));
        float[] hidden = run(stages.get(0), in, 100, 50);
        FloatBuffer between = SequenceGroup.direct(hidden.length);
        between.put(0, hidden);
        assertThat(run(stages.get(1), between, 3, 147)).as("cut %d", cut).isEqualTo(whole);
      }
    }
  }

  @Test
  void misuseIsRefusedAndChangesNothing() throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open("stories260K", Optional.empty());
        PlainModel model = new PlainModel(checkpoint, 1)) {
      assertThatThrownBy(() -> model.openStage(Span.whole(99), ActivationEval.TABLE, 256))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("layers 0:99");
      int nLayers = checkpoint.config().nLayers();
      Stage stage = model.openStage(Span.whole(nLayers), ActivationEval.TABLE, 256);
      Stage other = model.openStage(Span.whole(nLayers), ActivationEval.TABLE, 256);
      FloatBuffer in = inputs(checkpoint, SEED);
      FloatBuffer out = SequenceGroup.direct((long) N * checkpoint.config().vocabSize());
      Sequence sequence = stage.openSequence(10);
      assertThatThrownBy(() -> stage.openSequence(0)).hasMessageContaining("positions must be");
      refused(stage, sequence, 1, 1, in, out, "1 rows from position 1");
      refused(stage, sequence, 0, 11, in, out, "11 rows from position 0");
      refused(stage, other.openSequence(10), 0, 1, in, out, "another stage");
      refused(stage, sequence, 0, 2, SequenceGroup.direct(3), out, "floats do not hold");
      refused(stage, sequence, 0, 2, in, SequenceGroup.direct(3), "floats do not hold");
      refused(stage, sequence, 0, 2, in, out.asReadOnlyBuffer(), "floats do not hold");
      Batch twice = new Batch();
      twice.add(sequence, 0, 1, RowKind.GENERATED, false, 0, 0);
      twice.add(sequence, 0, 1, RowKind.GENERATED, false, 0, 0);
      assertThatThrownBy(() -> stage.step(twice, in, out)).hasMessageContaining("appears twice");
      assertThat(sequence.length()).isZero();
      sequence.close();
      sequence.close();
      assertThatThrownBy(sequence::length).isInstanceOf(IllegalStateException.class);
      stage.close();
      assertThatThrownBy(() -> stage.openSequence(1)).isInstanceOf(IllegalStateException.class);
    }
  }

  private static void refused(
      Stage stage,
      Sequence sequence,
      int position,
      int nRows,
      FloatBuffer in,
      FloatBuffer out,
      String says) {
    Batch batch = new Batch();
    batch.add(sequence, position, nRows, RowKind.GENERATED, false, 0, nRows);
    assertThatThrownBy(() -> stage.step(batch, in, out))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(says);
  }

  /** The client follows a server in Java; both together give the whole Java model's text. */
  @Test
  void splitWithAServerInJava() throws Exception {
    EngineSettings java = EngineSettings.defaults().withBackend(Backend.JAVA);
    try (Checkpoint checkpoint = Checkpoints.open("gpt2-shakespeare", Optional.empty());
        ModelRuntime whole = WholeRuntime.open(checkpoint, java);
        HostedModel server =
            HostedModel.start(
                checkpoint, java, ServerOptions.defaults().withAddress("127.0.0.1", 0))) {
      String expected = text(whole);
      SplitOptions split = new SplitOptions(URI.create(server.uri()), 2, Reply.HIDDEN);
      try (ModelRuntime model =
          SplitRuntime.connect(checkpoint, EngineSettings.defaults(), split)) {
        assertThat(text(model)).isEqualTo(expected);
        assertThat(model.notes()).isEmpty();
        assertThat(model.exact()).isFalse();
      }
      EngineSettings fast = EngineSettings.defaults().withBackend(Backend.FAST);
      try (ModelRuntime model = SplitRuntime.connect(checkpoint, fast, split)) {
        assertThat(text(model)).isNotEmpty();
        assertThat(model.exact()).isFalse();
        assertThat(model.notes())
            .containsExactly(
                "the server computes in mode java, this client in mode fast: the result"
                    + " differs from the whole model's bits");
      }
    }
  }

  private static String text(ModelRuntime model) throws Exception {
    GenerationRequest request = GenerationRequest.of("ROMEO:").maxTokens(30).seed(0);
    return model.newGenerator(model.replyFor(request)).run(request, TokenSink.NONE).text();
  }
}
