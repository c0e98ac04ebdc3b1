package dev.tandem.stage;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A small "model" for tests of everything around a model. A row's result depends on its position,
 * on all rows before it in its sequence, on the blocks, and, for prompt rows, on the size of its
 * chunk, as a BLAS would have it; not on its neighbours in a batch.
 */
public final class ToyStage implements CopyingStage {
  private final StageSpec spec;
  private final ArithmeticProfile profile;
  private final Consumer<Batch> onStep;
  private final AtomicInteger openSequences;
  private boolean closed;

  /**
   * A stage.
   *
   * @param onStep called with every batch before it is computed
   * @param openSequences counts the open sequences
   */
  public ToyStage(
      StageSpec spec,
      ArithmeticProfile profile,
      Consumer<Batch> onStep,
      AtomicInteger openSequences) {
    this.spec = spec;
    this.profile = profile;
    this.onStep = onStep;
    this.openSequences = openSequences;
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  @Override
  public ArithmeticProfile profile() {
    return profile;
  }

  @Override
  public Sequence openSequence(int maxPositions) {
    if (closed) {
      throw new IllegalStateException("closed");
    }
    openSequences.incrementAndGet();
    return new ToySequence(maxPositions);
  }

  @Override
  public long stateBytes(int positions) {
    return 4L * positions * spec.dModel();
  }

  @Override
  public void copy(Sequence from, int fromPosition, Sequence to, int toPosition, int count) {
    ToySequence target = (ToySequence) to;
    target.truncate(toPosition);
    List<float[]> rows = ((ToySequence) from).rows;
    target.rows.addAll(rows.subList(fromPosition, fromPosition + count));
    if (target.rows.size() > target.capacity) {
      throw new IllegalArgumentException("beyond the capacity");
    }
  }

  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) {
    onStep.accept(batch);
    int inRow = 0;
    int outRow = 0;
    for (int entry = 0; entry < batch.size(); entry++) {
      ToySequence sequence = (ToySequence) batch.sequence(entry);
      sequence.truncate(batch.position(entry));
      for (int row = 0; row < batch.nRows(entry); row++) {
        float[] hidden = sequence.append(in, inRow++ * spec.dModel(), chunkRows(batch, entry, row));
        int output = row - batch.outBegin(entry);
        if (output >= 0 && output < batch.nOut(entry)) {
          for (int i = 0; i < spec.outWidth(); i++) {
            float value = hidden[i % spec.dModel()];
            out.put(
                outRow * spec.outWidth() + i,
                spec.span().hasHead() ? value * (1 + i * 0.25f) : value);
          }
          outRow++;
        }
      }
    }
  }

  /** Rows of the chunk that a row is in; 0 for generated rows. */
  private int chunkRows(Batch batch, int entry, int row) {
    if (batch.kind(entry) == RowKind.GENERATED) {
      return 0;
    }
    int c = profile.chunkRows();
    int begin = batch.position(entry);
    int chunk = (begin + row) / c;
    return Math.min(begin + batch.nRows(entry), (chunk + 1) * c) - Math.max(begin, chunk * c);
  }

  @Override
  public void close() {
    closed = true;
  }

  private final class ToySequence implements Sequence {
    private final int capacity;
    private final List<float[]> rows = new ArrayList<>();
    private boolean sequenceClosed;

    ToySequence(int capacity) {
      this.capacity = capacity;
    }

    void truncate(int position) {
      checkOpen();
      if (position > rows.size()) {
        throw new IllegalArgumentException("position " + position + " above " + rows.size());
      }
      rows.subList(position, rows.size()).clear();
    }

    float[] append(FloatBuffer in, int at, int chunkRows) {
      if (rows.size() == capacity) {
        throw new IllegalArgumentException("beyond the capacity");
      }
      int n = spec.dModel();
      float[] before = rows.isEmpty() ? new float[n] : rows.get(rows.size() - 1);
      float[] row = new float[n];
      for (int i = 0; i < n; i++) {
        row[i] =
            in.get(at + i)
                + 0.98f * before[(i + 1) % n]
                + rows.size() * 0.01f
                + spec.span().begin() * 0.001f
                + spec.span().end() * 0.002f
                + chunkRows * 0.0003f;
      }
      rows.add(row);
      return row;
    }

    private void checkOpen() {
      if (sequenceClosed) {
        throw new IllegalStateException("closed");
      }
    }

    @Override
    public int length() {
      checkOpen();
      return rows.size();
    }

    @Override
    public int capacity() {
      return capacity;
    }

    @Override
    public void close() {
      if (!sequenceClosed) {
        sequenceClosed = true;
        openSequences.decrementAndGet();
      }
    }
  }
}
