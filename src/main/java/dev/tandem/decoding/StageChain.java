package dev.tandem.decoding;

import dev.tandem.sampling.TopLogits;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageLostException;
import dev.tandem.stage.StageSpec;
import dev.tandem.stage.TopLogitsStage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model as a list of stages; the output rows of each are the input of the next. One step runs
 * rows of any number of sequences, and gives the logits of those rows that were requested: {@link
 * #clear}, {@link #add} for each sequence, {@link #run}.
 *
 * <p>Several generated rows of a sequence may be one entry, with the logits of each: a draft's
 * tokens. An entry's first position cuts its sequence back, so a later one can drop some of them.
 *
 * <p>Holds the buffers between the stages, which grow to the largest step so far. One thread uses
 * it; the stages must stay open.
 */
public final class StageChain {
  /**
   * The largest number of prompt rows in one step, which bounds the buffers; a larger C exceeds it.
   */
  private static final int MAX_FRAME_ROWS = 1024;

  /** So often in turn, a stage may be lost in one step before the step fails. */
  private static final int MAX_LOSSES = 20;

  private final Stage[] stages;
  private final int dModel;
  private final int frameRows;
  private final List<ChainSequences> entries = new ArrayList<>();

  /** The rows of {@link #entries}; its sequences are those of the first stage. */
  private final Batch rows = new Batch();

  private final Batch batch = new Batch();
  private FloatBuffer logits;

  /** The best logits of the last step's rows, where the last stage gives these; otherwise empty. */
  private List<TopLogits> top = List.of();

  private FloatBuffer input;
  private FloatBuffer output;

  /** Input rows of the stage that ran last. */
  private FloatBuffer lastIn;

  private long stageNanos;

  /**
   * Checks that the stages make a whole model.
   *
   * @throws IllegalArgumentException if they do not
   */
  public StageChain(List<Stage> stages) {
    checkChain(stages);
    this.stages = stages.toArray(Stage[]::new);
    StageSpec spec = stages.get(0).spec();
    dModel = spec.dModel();
    int chunkRows = stages.get(0).profile().chunkRows();
    frameRows = chunkRows * Math.max(1, MAX_FRAME_ROWS / chunkRows);
    logits = allocate(spec.vocabSize());
    input = allocate(dModel);
    output = allocate(dModel);
    lastIn = input;
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

  /** Floats in a row of logits. */
  public int vocabSize() {
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

  /**
   * The logits of the last step that requested any, {@code [requested rows, vocabSize]} f32, in the
   * order of the entries. Overwritten by the next step. Where {@link #top} gives the best logits of
   * the rows, only rows that {@link #fetch} asked for are there.
   */
  public FloatBuffer logits() {
    return logits;
  }

  /** The last step's rows, as far as the last stage says; empty where it gives whole rows. */
  List<TopLogits> top() {
    return top;
  }

  /**
   * Asks for a whole row of the last step, where the last stage gives the best logits only. If that
   * stage is lost, it computes the step again, with the same bits.
   *
   * @param sequences the only ones of that step
   * @param row index within the requested rows; {@link #logits} has it at the same index
   */
  void fetch(ChainSequences sequences, int row) throws IOException {
    if (top.isEmpty() || !(last() instanceof TopLogitsStage stage)) {
      return;
    }
    int index = stages.length - 1;
    long start = System.nanoTime();
    for (int losses = 0; ; losses++) {
      try {
        if (losses > 0) {
          restore(index);
          runStage(index, lastIn, logits);
        }
        FloatBuffer whole = stage.row(sequences.in(index), row);
        logits.put(row * vocabSize(), whole, 0, vocabSize());
        stageNanos += System.nanoTime() - start;
        return;
      } catch (StageLostException e) {
        checkReplay(index, losses, e);
      }
    }
  }

  private Stage last() {
    return stages[stages.length - 1];
  }

  /** The number of rows in a prompt step: a multiple of C. */
  int frameRows() {
    return frameRows;
  }

  /** Opens a sequence in every stage; a step requests the logits of at most one of its rows. */
  public ChainSequences open(int capacity) throws IOException {
    return open(capacity, 1);
  }

  /**
   * Opens a sequence in every stage.
   *
   * @param capacity positions that it can have
   * @param nOut the largest number of its rows whose logits one step requests
   * @throws IOException if a remote stage refuses
   */
  public ChainSequences open(int capacity, int nOut) throws IOException {
    return open(capacity, nOut, List.of(), null);
  }

  /**
   * Opens a sequence in every stage.
   *
   * @param capacity positions that it can have
   * @param nOut the largest number of its rows whose logits one step requests
   * @param temperatures those at which tokens are drawn from the best logits, if these are all that
   *     the last stage gives
   * @param replay computes rows again in a stage that has lost them; without it, the loss of a
   *     stage ends the step
   * @throws IOException if a remote stage refuses
   */
  ChainSequences open(
      int capacity, int nOut, List<Double> temperatures, @Nullable StageReplay replay)
      throws IOException {
    return ChainSequences.open(stages, capacity, nOut, temperatures, replay);
  }

  /** Begins a step without rows. */
  public void clear() {
    entries.clear();
    rows.clear();
  }

  /**
   * Adds rows of a sequence to the step. The numbers are those of {@link
   * dev.tandem.stage.StepRows}; the requested rows are rows of logits.
   *
   * @param sequences this chain's, at most once a step
   */
  public void add(
      ChainSequences sequences,
      int position,
      int count,
      RowKind kind,
      boolean promptEnd,
      int outBegin,
      int nOut) {
    Sequence first = sequences.in(0);
    rows.add(first, position, count, kind, promptEnd, outBegin, nOut);
    entries.add(sequences);
  }

  /**
   * Runs the step's rows through all stages.
   *
   * @param hidden the embedded rows of all entries, {@code [rows, dModel]} from index 0; direct
   * @return {@link #logits}
   * @throws IOException if a stage fails
   */
  public FloatBuffer run(FloatBuffer hidden) throws IOException {
    reserve(rows.totalRows(), rows.totalOut());
    FloatBuffer in = hidden;
    boolean toOutput = true;
    for (int i = 0; i < stages.length; i++) {
      Span span = stages[i].spec().span();
      fill(i, span);
      if (batch.size() == 0) {
        break; // the layers are done, and no logits are requested
      }
      FloatBuffer out = span.hasHead() ? logits : toOutput ? output : input;
      long start = System.nanoTime();
      keepRows(i, in);
      runStage(i, in, out);
      lastIn = in;
      stageNanos += System.nanoTime() - start;
      in = out;
      toOutput = !toOutput;
    }
    return logits;
  }

  private void keepRows(int stage, FloatBuffer in) {
    int inRow = 0;
    for (int i = 0; i < batch.size(); i++) {
      entries.get(i).keep(stages[stage], stage, batch.position(i), batch.nRows(i), in, inRow);
      inRow += batch.nRows(i);
    }
  }

  /** Runs the batch in a stage, also if that loses its sequences. */
  private void runStage(int stage, FloatBuffer in, FloatBuffer out) throws IOException {
    for (int losses = 0; ; losses++) {
      try {
        if (losses > 0) {
          restore(stage);
        }
        if (stages[stage] instanceof TopLogitsStage best) {
          top = best.stepTop(batch, in);
        } else {
          stages[stage].step(batch, in, out);
        }
        return;
      } catch (StageLostException e) {
        checkReplay(stage, losses, e);
      }
    }
  }

  /** Throws the exception if the stage's rows cannot be computed again. */
  private void checkReplay(int stage, int losses, StageLostException e) throws StageLostException {
    for (ChainSequences sequences : entries) {
      if (losses == MAX_LOSSES || !sequences.canBeRestored(stages[stage], stage)) {
        throw e;
      }
    }
  }

  /** New sequences in one stage, with the rows before the step. */
  private void restore(int stage) throws IOException {
    for (int i = 0; i < entries.size(); i++) {
      entries.get(i).restore(stages[stage], stage, rows.position(i), frameRows);
    }
    fill(stage, stages[stage].spec().span());
  }

  /** The batch of one stage. */
  private void fill(int stage, Span span) {
    batch.clear();
    // Further layers need every row; a head needs only the rows whose logits are requested.
    boolean layersFollow = !span.hasHead() && stages[stage + 1].spec().span().hasLayers();
    for (int i = 0; i < entries.size(); i++) {
      Sequence sequence = entries.get(i).in(stage);
      RowKind kind = rows.kind(i);
      int count = rows.nRows(i);
      int nOut = rows.nOut(i);
      if (span.hasLayers()) {
        batch.add(
            sequence,
            rows.position(i),
            count,
            kind,
            rows.promptEnd(i),
            layersFollow ? 0 : rows.outBegin(i),
            layersFollow ? count : nOut);
      } else if (nOut > 0) {
        // A stage without layers keeps no state, so its rows have no position of their own: they
        // begin at position 0.
        batch.add(sequence, 0, nOut, kind, kind == RowKind.PROMPT, 0, nOut);
      }
    }
  }

  /**
   * Runs {@code ids[from .. to-1]} of one sequence, whose positions are their indices.
   *
   * @param ids a whole sequence from its beginning
   * @param from index of the first id, at most the sequences' length
   * @param to one past the last; at most {@link #frameRows} later
   * @param kind prompt or generated
   * @param nOut how many of the last rows get {@link #logits}. With some, a run of prompt rows ends
   *     here; with none, {@code to} is a multiple of {@link #frameRows}
   */
  void step(
      ChainSequences sequences,
      Embedder embedder,
      int[] ids,
      int from,
      int to,
      RowKind kind,
      int nOut)
      throws IOException {
    int nRows = to - from;
    reserve(nRows, nOut);
    embedder.embed(ids, from, to, from, input);
    clear();
    boolean promptEnd = kind == RowKind.PROMPT && nOut > 0;
    add(sequences, from, nRows, kind, promptEnd, nRows - nOut, nOut);
    var unused = run(input);
  }

  private void reserve(int nRows, int nOut) {
    int floats = Math.multiplyExact(nRows, dModel);
    if (input.capacity() < floats) {
      input = allocate(floats);
      output = allocate(floats);
    }
    int logitFloats = Math.multiplyExact(nOut, vocabSize());
    if (logits.capacity() < logitFloats) {
      logits = allocate(logitFloats);
    }
  }
}
