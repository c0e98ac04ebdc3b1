package dev.tandem.decoding;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Some layers of a {@link ToyModel}; it insists on the contract of {@link Stage#step}. */
final class ToyStage implements Stage {
  private final ToyModel model;
  private final StageSpec spec;
  private final int chunkRows;

  /** Sequences opened and not closed. */
  int open;

  /** Capacity of the sequence opened last. */
  int capacity;

  /** One line per entry of each step, e.g. {@code PROMPT 0+32} and {@code end} where it ends. */
  final List<String> steps = new ArrayList<>();

  /** Runs before each step. */
  StepHook hook = () -> {};

  /** Whether {@link #openSequence} fails. */
  boolean refuses;

  /** Runs before a step. */
  interface StepHook {
    void run() throws IOException;
  }

  ToyStage(ToyModel model, Span span, int chunkRows) {
    this.model = model;
    this.chunkRows = chunkRows;
    spec = new StageSpec(span, ToyModel.D_MODEL, model.vocabSize(), model.maxSeq());
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  @Override
  public ArithmeticProfile profile() {
    return new ArithmeticProfile(
        "",
        Set.of(DType.F32),
        ActivationEval.FORMULA,
        KvType.F32,
        ArithmeticMode.FAST,
        chunkRows,
        Set.of(),
        "");
  }

  @Override
  public Sequence openSequence(int maxPositions) throws IOException {
    if (refuses) {
      throw new IOException("refused");
    }
    if (maxPositions > spec.maxSeq()) {
      throw new IllegalArgumentException("capacity " + maxPositions);
    }
    open++;
    capacity = maxPositions;
    return new ToySequence(maxPositions);
  }

  @Override
  @SuppressWarnings("ReferenceEquality") // the same buffer, not an equal one
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    hook.run();
    require(in.isDirect() && out.isDirect() && in != out, "buffers");
    require(in.capacity() >= batch.totalRows() * spec.dModel(), "input size");
    require(out.capacity() >= batch.totalOut() * spec.outWidth(), "output size");
    require(batch.size() == 1, "entries");
    ToySequence sequence = (ToySequence) batch.sequence(0);
    int position = batch.position(0);
    int nRows = batch.nRows(0);
    boolean prompt = batch.kind(0) == RowKind.PROMPT;
    boolean end = batch.promptEnd(0);
    require(sequence.owner() == this && !sequence.closed, "sequence");
    require(position <= sequence.length, "position " + position + " > " + sequence.length);
    require(position + nRows <= sequence.capacity, "rows beyond the capacity");
    require(prompt || !end, "end of prompt in generated rows");
    require(!prompt || end || (position + nRows) % chunkRows == 0, "cut inside a chunk");
    steps.add(batch.kind(0) + " " + position + "+" + nRows + (end ? " end" : ""));
    float[] row = new float[ToyModel.D_MODEL];
    int outRow = 0;
    for (int i = 0; i < nRows; i++) {
      in.get(i * ToyModel.D_MODEL, row);
      float[] result = sequence.blocks(position + i, row);
      if (i >= batch.outBegin(0) && i < batch.outBegin(0) + batch.nOut(0)) {
        if (spec.span().hasHead()) {
          model.head(result, out, outRow * spec.vocabSize());
        } else {
          out.put(outRow * ToyModel.D_MODEL, result);
        }
        outRow++;
      }
    }
    sequence.length = position + nRows;
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new AssertionError(message);
    }
  }

  @Override
  public boolean canBeLost() {
    return true;
  }

  @Override
  public void close() {}

  private final class ToySequence implements Sequence {
    private final int capacity;
    private final long[][] states; // [layer][position + 1]
    private int length;
    private boolean closed;

    ToySequence(int capacity) {
      this.capacity = capacity;
      states = new long[spec.span().nLayers()][capacity + 1];
    }

    ToyStage owner() {
      return ToyStage.this;
    }

    float[] blocks(int position, float[] row) {
      float[] x = row;
      for (int i = 0; i < states.length; i++) {
        int layer = spec.span().begin() + i;
        states[i][position + 1] = ToyModel.nextState(states[i][position], x, layer);
        x = ToyModel.block(states[i][position + 1], x, layer);
      }
      return x;
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public int capacity() {
      return capacity;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        open--;
      }
    }
  }
}
