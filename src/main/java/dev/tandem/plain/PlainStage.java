package dev.tandem.plain;

import dev.tandem.model.ModelConfig;
import dev.tandem.model.RopePairing;
import dev.tandem.model.Tables;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.CopyingStage;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.DType;
import java.nio.FloatBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A stage in plain Java: each line of {@link #layer} is one equation. Every output element is one
 * fixed sequence of f32 operations, so its bits depend only on the row's own sequence.
 */
public final class PlainStage implements CopyingStage {
  /** Rows that go through the layers together: enough that reading the weights costs little. */
  private static final int PASS_ROWS = 128;

  private final ModelConfig config;
  private final StageSpec spec;
  private final List<Layer> layers;
  private final Optional<Head> head;
  private final Optional<Tables.Rope> rope;
  private final Activations activations;
  private final Attention attention;
  private final int chunkRows;
  private final Workers workers;
  private volatile boolean closed;

  // The rows of a pass: their sequences, their positions, and their output rows (-1 for none).
  private final PlainSequence[] sequences = new PlainSequence[PASS_ROWS];
  private final int[] positions = new int[PASS_ROWS];
  private final int[] outputs = new int[PASS_ROWS];
  private int nRows;

  private final Rows x; // [nTok, dModel]
  private final Rows normed; // [nTok, dModel]
  private final Rows qkv; // [nTok, (nHeads + 2 * nKvHeads) * headDim]
  private final Rows attended; // [nTok, nHeads * headDim]
  private final Rows gate; // [nTok, dFf], gated feed-forward networks only
  private final Rows up; // [nTok, dFf]
  private final Rows headInput; // [nOut, dModel], with a head
  private final Rows logits; // [nOut, vocabSize], with a head

  PlainStage(
      ModelConfig config,
      Span span,
      List<Layer> layers,
      Optional<Head> head,
      Optional<Tables.Rope> rope,
      Activations activations,
      int chunkRows,
      Workers workers) {
    this.config = config;
    this.layers = List.copyOf(layers);
    this.head = head;
    this.rope = rope;
    this.activations = activations;
    this.chunkRows = chunkRows;
    this.workers = workers;
    attention = new Attention(config);
    spec = new StageSpec(span, config.dModel(), config.vocabSize(), config.maxSeq());
    x = new Rows(config.dModel());
    normed = new Rows(config.dModel());
    qkv = new Rows((config.nHeads() + 2 * config.nKvHeads()) * config.headDim());
    attended = new Rows(config.nHeads() * config.headDim());
    gate = new Rows(config.dFf());
    up = new Rows(config.dFf());
    headInput = new Rows(config.dModel());
    logits = new Rows(config.vocabSize());
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  /** {@inheritDoc} Its model hash is empty; callers that need it add it. */
  @Override
  public ArithmeticProfile profile() {
    return new ArithmeticProfile(
        "",
        EnumSet.of(DType.F32),
        activations.eval(),
        KvType.F32,
        ArithmeticMode.JAVA,
        chunkRows,
        Set.of(),
        "");
  }

  /** Bytes of weights that one step reads. */
  public long weightBytes() {
    long bytes = head.isPresent() ? head.get().lmHead().bytes() : 0;
    for (Layer layer : layers) {
      bytes += layer.bytes();
    }
    return bytes;
  }

  @Override
  public Sequence openSequence(int maxPositions) {
    checkOpen();
    if (maxPositions < 1 || maxPositions > spec.maxSeq()) {
      throw new IllegalArgumentException(
          "positions must be in 1.." + spec.maxSeq() + ", got " + maxPositions);
    }
    return new PlainSequence(
        this, maxPositions, layers.size(), config.nKvHeads() * config.headDim());
  }

  @Override
  public long stateBytes(int positions) {
    return 2L * Float.BYTES * layers.size() * config.nKvHeads() * config.headDim() * positions;
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if the positions are not there, or do not fit
   */
  @Override
  public synchronized void copy(
      Sequence from, int fromPosition, Sequence to, int toPosition, int count) {
    checkOpen();
    if (!(from instanceof PlainSequence source && source.stage() == this)
        || !(to instanceof PlainSequence target && target.stage() == this)
        || from == to) {
      throw new IllegalArgumentException("a copy needs two sequences of this stage");
    }
    target.copyFrom(source, fromPosition, toPosition, count);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the stage is closed");
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if an entry's position is above its sequence's length or its
   *     rows do not fit; the sequences are unchanged
   */
  @Override
  public synchronized void step(Batch batch, FloatBuffer in, FloatBuffer out) {
    checkOpen();
    check(batch, in, out);
    nRows = 0; // an earlier step may have failed
    for (Rows rows : List.of(x, normed, qkv, attended, up, gate, headInput)) {
      rows.reserve(Math.min(PASS_ROWS, batch.totalRows()));
    }
    FloatBuffer source = in.duplicate().clear();
    FloatBuffer target = out.duplicate().clear();
    int inRow = 0;
    int outRow = 0;
    for (int entry = 0; entry < batch.size(); entry++) {
      PlainSequence sequence = (PlainSequence) batch.sequence(entry);
      for (int r = 0; r < batch.nRows(entry); r++) {
        boolean isOutput =
            r >= batch.outBegin(entry) && r - batch.outBegin(entry) < batch.nOut(entry);
        addRow(sequence, batch.position(entry) + r, isOutput ? outRow++ : -1, source, inRow++);
        if (nRows == PASS_ROWS) {
          runPass(target);
        }
      }
    }
    runPass(target);
    for (int entry = 0; entry < batch.size(); entry++) {
      int end = batch.position(entry) + batch.nRows(entry);
      ((PlainSequence) batch.sequence(entry)).setLength(end);
    }
  }

  private void check(Batch batch, FloatBuffer in, FloatBuffer out) {
    for (int entry = 0; entry < batch.size(); entry++) {
      if (!(batch.sequence(entry) instanceof PlainSequence sequence) || sequence.stage() != this) {
        throw new IllegalArgumentException("entry " + entry + " is a sequence of another stage");
      }
      for (int other = 0; other < entry; other++) {
        if (batch.sequence(other) == sequence) {
          throw new IllegalArgumentException("entry " + entry + ": the sequence appears twice");
        }
      }
      if (batch.position(entry) > sequence.length()
          || batch.nRows(entry) > sequence.capacity() - batch.position(entry)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "entry %d: %d rows from position %d do not fit a sequence of %d positions out of"
                    + " %d",
                entry,
                batch.nRows(entry),
                batch.position(entry),
                sequence.length(),
                sequence.capacity()));
      }
    }
    if (in.capacity() < (long) batch.totalRows() * spec.dModel()
        || out.capacity() < (long) batch.totalOut() * spec.outWidth()
        || out.isReadOnly()) {
      throw new IllegalArgumentException(
          "buffers of "
              + in.capacity()
              + " and "
              + out.capacity()
              + " floats do not hold the step");
    }
    for (int entry = 0; entry < batch.size(); entry++) {
      ((PlainSequence) batch.sequence(entry)).reserve(batch.position(entry) + batch.nRows(entry));
    }
  }

  private void addRow(PlainSequence sequence, int position, int output, FloatBuffer in, int inRow) {
    sequences[nRows] = sequence;
    positions[nRows] = position;
    outputs[nRows] = output;
    in.get(inRow * spec.dModel(), x.values(), nRows * spec.dModel(), spec.dModel());
    nRows++;
  }

  private void runPass(FloatBuffer out) {
    for (int i = 0; i < layers.size() && nRows > 0; i++) {
      layer(layers.get(i), i);
    }
    if (head.isPresent()) {
      writeLogits(head.get(), out);
    } else {
      for (int r = 0; r < nRows; r++) {
        if (outputs[r] >= 0) {
          out.put(outputs[r] * spec.dModel(), x.values(), r * spec.dModel(), spec.dModel());
        }
      }
    }
    nRows = 0;
  }

  /** Computes the logits of the output rows, which are consecutive in the output. */
  private void writeLogits(Head last, FloatBuffer out) {
    int nOut = 0;
    int first = -1;
    for (int r = 0; r < nRows; r++) {
      if (outputs[r] >= 0) {
        first = nOut == 0 ? outputs[r] : first;
        int from = r * spec.dModel();
        System.arraycopy(x.values(), from, headInput.values(), nOut * spec.dModel(), spec.dModel());
        nOut++;
      }
    }
    if (nOut == 0) {
      return;
    }
    logits.reserve(nOut);
    workers.forEach(nOut, r -> last.norm().apply(headInput.values(), headInput.values(), r));
    last.lmHead().multiply(logits, 0, headInput.values(), nOut, new float[0], false, workers);
    out.put(first * spec.vocabSize(), logits.values(), 0, nOut * spec.vocabSize());
  }

  private void layer(Layer w, int index) {
    norm(w.attnNorm());
    int column = 0;
    for (Linear part : w.qkv()) {
      part.apply(qkv, column, normed, nRows, workers);
      column += part.weights().nOut();
    }
    workers.forEach(nRows, this::rotate);
    workers.forEach(nRows, r -> keep(index, r));
    workers.forEach(nRows * config.nHeads(), i -> attend(index, i)); // row t sees 0 .. pos + t
    w.attnOutput().addTo(x, attended, nRows, workers);
    norm(w.ffnNorm());
    w.up().apply(up, 0, normed, nRows, workers);
    w.gate().ifPresent(linear -> linear.apply(gate, 0, normed, nRows, workers));
    workers.forEach(nRows, r -> activate(r, w.gate().isPresent()));
    w.down().addTo(x, up, nRows, workers);
  }

  private void norm(Norm norm) {
    workers.forEach(nRows, r -> norm.apply(normed.values(), x.values(), r));
  }

  /** Rotates a row's queries and keys. */
  private void rotate(int r) {
    if (rope.isEmpty()) {
      return;
    }
    int half = config.headDim() / 2;
    boolean interleaved = config.rope() == RopePairing.INTERLEAVED;
    float[] heads = qkv.values();
    for (int head = 0; head < config.nHeads() + config.nKvHeads(); head++) {
      int at = r * qkv.width() + head * config.headDim();
      for (int i = 0; i < half; i++) {
        float cos = rope.get().cos().get(positions[r] * half + i);
        float sin = rope.get().sin().get(positions[r] * half + i);
        int first = at + (interleaved ? 2 * i : i);
        int second = interleaved ? first + 1 : first + half;
        float a = heads[first];
        float b = heads[second];
        heads[first] = a * cos - b * sin;
        heads[second] = a * sin + b * cos;
      }
    }
  }

  /** Copies a row's keys and values into its sequence. */
  private void keep(int index, int r) {
    int width = config.nKvHeads() * config.headDim();
    int from = r * qkv.width() + config.nHeads() * config.headDim();
    int to = positions[r] * width;
    System.arraycopy(qkv.values(), from, sequences[r].keys(index).values(), to, width);
    System.arraycopy(qkv.values(), from + width, sequences[r].values(index).values(), to, width);
  }

  private void attend(int index, int rowAndHead) {
    int r = rowAndHead / config.nHeads();
    int queryHead = rowAndHead % config.nHeads();
    attention.attend(
        attended.values(),
        r * attended.width() + queryHead * config.headDim(),
        qkv.values(),
        r * qkv.width() + queryHead * config.headDim(),
        queryHead,
        sequences[r].keys(index).values(),
        sequences[r].values(index).values(),
        positions[r] + 1);
  }

  private void activate(int r, boolean gated) {
    int from = r * up.width();
    for (int i = from; i < from + up.width(); i++) {
      up.values()[i] =
          gated
              ? activations.of(gate.values()[i]) * up.values()[i]
              : activations.of(up.values()[i]);
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
