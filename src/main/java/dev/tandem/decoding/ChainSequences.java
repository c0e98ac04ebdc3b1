package dev.tandem.decoding;

import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import dev.tandem.stage.TopLogitsStage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The state of one sequence in every stage of a {@link StageChain}; {@link #close} closes all of
 * them, is idempotent, and may be called by any thread.
 */
public final class ChainSequences implements AutoCloseable {
  private final int capacity;
  private final int nOut;
  private final List<Double> temperatures;
  private final @Nullable StageReplay replay;
  private final List<Sequence> opened = new CopyOnWriteArrayList<>();
  private @Nullable TopLogitsStage best;
  private volatile boolean closed;

  private ChainSequences(
      int capacity, int nOut, List<Double> temperatures, @Nullable StageReplay replay) {
    this.capacity = capacity;
    this.nOut = nOut;
    this.temperatures = temperatures;
    this.replay = replay;
  }

  /** Opens a sequence in every stage, see {@link StageChain#open}. */
  static ChainSequences open(
      Stage[] stages,
      int capacity,
      int nOut,
      List<Double> temperatures,
      @Nullable StageReplay replay)
      throws IOException {
    ChainSequences sequences = new ChainSequences(capacity, nOut, temperatures, replay);
    try {
      for (Stage stage : stages) {
        sequences.opened.add(sequences.open(stage));
      }
      return sequences;
    } finally {
      if (sequences.opened.size() < stages.length) {
        sequences.close();
      }
    }
  }

  private Sequence open(Stage stage) throws IOException {
    int positions = stage.spec().span().hasLayers() ? capacity : nOut;
    if (stage instanceof TopLogitsStage last) {
      best = last;
      return last.openSequence(positions, temperatures);
    }
    return stage.openSequence(positions);
  }

  /** The sequence in a stage. */
  Sequence in(int stage) {
    return opened.get(stage);
  }

  /** The largest number of rows whose logits one step can request. */
  int maxWanted() {
    TopLogitsStage last = best;
    return last == null ? Integer.MAX_VALUE : last.maxRows(opened.get(opened.size() - 1));
  }

  /** Keeps rows that go into a stage, see {@link StageReplay#keep}. */
  void keep(Stage stage, int index, int position, int n, FloatBuffer rows, int inRow) {
    if (replay != null) {
      replay.keep(stage, index, position, n, rows, inRow);
    }
  }

  /** Whether a stage that is lost can be given its rows again. */
  boolean canBeRestored(Stage stage, int index) {
    return replay != null && replay.covers(stage, index) && !closed;
  }

  /** Opens a new sequence in place of one that is lost, and computes the rows before a position. */
  void restore(Stage stage, int index, int end, int frameRows) throws IOException {
    if (replay == null) {
      throw new IllegalStateException("nothing says how the rows were computed");
    }
    opened.get(index).close();
    Sequence sequence = open(stage);
    opened.set(index, sequence);
    if (closed) { // in the meantime, by another thread
      sequence.close();
      throw new IllegalStateException("the sequence is closed");
    }
    replay.replay(stage, index, sequence, end, frameRows);
  }

  @Override
  public void close() {
    closed = true;
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
