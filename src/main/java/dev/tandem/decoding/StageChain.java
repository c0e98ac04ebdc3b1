package dev.tandem.decoding;

import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A model as a list of stages; the output rows of each are the input of the next. Holds the buffers
 * between them, which grow to the largest frame so far.
 */
final class StageChain {
  /**
   * The largest number of prompt rows in one step, which bounds the buffers; a larger C exceeds it.
   */
  private static final int MAX_FRAME_ROWS = 1024;

  private final Stage[] stages;
  private final Embedder embedder;
  private final int dModel;
  private final int frameRows;
  private final Batch batch = new Batch();
  private final FloatBuffer logits;
  private FloatBuffer input;
  private FloatBuffer output;
  private long stageNanos;

  /**
   * Checks that the stages make a whole model.
   *
   * @throws IllegalArgumentException if they do not
   */
  StageChain(List<Stage> stages, Embedder embedder) {
    checkChain(stages);
    this.stages = stages.toArray(Stage[]::new);
    this.embedder = embedder;
    StageSpec spec = stages.get(0).spec();
    dModel = spec.dModel();
    int chunkRows = stages.get(0).profile().chunkRows();
    frameRows = chunkRows * Math.max(1, MAX_FRAME_ROWS / chunkRows);
    logits = allocate(spec.vocabSize());
    input = allocate(dModel);
    output = allocate(dModel);
  }

  private static void checkChain(List<Stage> stages) {
    if (stages.isEmpty()) {
      throw new IllegalArgumentException("a model needs at least one stage");
    }
    StageSpec first = stages.get(0).spec();
    int layer = 0;
    for (int i = 0; i < stages.size(); i++) {
      StageSpec spec = stages.get(i).spec();
      Span span = spec.span();
      boolean last = i == stages.size() - 1;
      require(span.begin() == layer, i, spec, "should begin at layer " + layer);
      require(span.hasHead() == last, i, spec, last ? "needs the head" : "must not have the head");
      // After the last layer a stage may pass rows on unchanged: a server whose client has all
      // layers.
      boolean inOrder = i == 0 || !span.hasLayers() || stages.get(i - 1).spec().span().hasLayers();
      require(inOrder, i, spec, "follows a stage without layers");
      require(
          spec.dModel() == first.dModel() && spec.vocabSize() == first.vocabSize(),
          i,
          spec,
          "belongs to another model than " + first);
      layer = span.end();
    }
  }

  private static void require(boolean condition, int stage, StageSpec spec, String message) {
    if (!condition) {
      throw new IllegalArgumentException("stage " + stage + " (" + spec + ") " + message);
    }
  }

  private static FloatBuffer allocate(int floats) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(floats, Float.BYTES))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  int vocabSize() {
    return stages[0].spec().vocabSize();
  }

  /** The number of positions that every stage can hold. */
  int maxSeq() {
    int maxSeq = Integer.MAX_VALUE;
    for (Stage stage : stages) {
      maxSeq = Math.min(maxSeq, stage.spec().maxSeq());
    }
    return maxSeq;
  }

  /** Nanoseconds spent in the stages' steps since the chain was created. */
  long stageNanos() {
    return stageNanos;
  }

  /** The logits of the last step that requested them: {@code [vocabSize]} f32. */
  FloatBuffer logits() {
    return logits;
  }

  /** The number of rows in a prompt step: a multiple of C. */
  int frameRows() {
    return frameRows;
  }

  /** Opens a sequence in every stage. */
  Sequences open(int capacity) throws IOException {
    Sequences sequences = new Sequences();
    try {
      for (Stage stage : stages) {
        sequences.opened.add(stage.openSequence(stage.spec().span().hasLayers() ? capacity : 1));
      }
      return sequences;
    } finally {
      if (sequences.opened.size() < stages.length) {
        sequences.close();
      }
    }
  }

  /**
   * Runs {@code ids[from .. to-1]}, whose positions are their indices, through all stages.
   *
   * @param ids a whole sequence from its beginning
   * @param from index of the first id, at most the sequences' length
   * @param to one past the last; at most {@link #frameRows} later
   * @param kind prompt or generated
   * @param last whether to compute {@link #logits} of the last row, which ends a run of prompt
   *     rows; otherwise {@code to} is a multiple of {@link #frameRows}
   */
  void step(Sequences sequences, int[] ids, int from, int to, RowKind kind, boolean last)
      throws IOException {
    int nRows = to - from;
    boolean promptEnd = kind == RowKind.PROMPT && last;
    reserve(nRows);
    embedder.embed(ids, from, to, from, input);
    FloatBuffer in = input;
    FloatBuffer out = output;
    for (int i = 0; i < stages.length; i++) {
      Span span = stages[i].spec().span();
      batch.clear();
      if (span.hasLayers()) {
        // Further layers need every row; a head needs only the row whose logits are requested.
        boolean layersFollow = !span.hasHead() && stages[i + 1].spec().span().hasLayers();
        int nOut = layersFollow ? nRows : last ? 1 : 0;
        batch.add(sequences.opened.get(i), from, nRows, kind, promptEnd, nRows - nOut, nOut);
      } else if (last) {
        // A stage with only the head keeps no state, so its rows have no position of their own: all
        // are at position 0.
        batch.add(sequences.opened.get(i), 0, 1, kind, promptEnd, 0, 1);
      } else {
        return;
      }
      long start = System.nanoTime();
      stages[i].step(batch, in, span.hasHead() ? logits : out);
      stageNanos += System.nanoTime() - start;
      FloatBuffer swap = in;
      in = out;
      out = swap;
    }
  }

  private void reserve(int nRows) {
    int floats = Math.multiplyExact(nRows, dModel);
    if (input.capacity() < floats) {
      input = allocate(floats);
      output = allocate(floats);
    }
  }

  /**
   * The state of one sequence in every stage; {@link #close} closes all of them, is idempotent, and
   * may be called by any thread.
   */
  static final class Sequences implements AutoCloseable {
    private final List<Sequence> opened = new CopyOnWriteArrayList<>();

    private Sequences() {}

    @Override
    public void close() {
      RuntimeException failure = null;
      for (Sequence sequence : opened) {
        try {
          sequence.close();
        } catch (RuntimeException e) { // close the others, even if this one failed to close
          failure = e;
        }
      }
      if (failure != null) {
        throw failure;
      }
    }
  }
}
