package dev.tandem.scheduler;

import dev.tandem.stage.Batch;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * A step of one sequence that waits or is partly done: one entry of a batch. Whoever submits it
 * writes it; from then on until it is done it belongs to the engine.
 */
abstract class PendingStep {
  private long submittedNanos;
  private int rowsTaken;
  private int rowsWritten;

  /** The batch of which the step is an entry. */
  abstract Batch rows();

  /** Which entry of the batch. */
  abstract int entry();

  /** Its input: the entry's rows from float {@link #dataAt} on. */
  abstract FloatBuffer data();

  abstract int dataAt();

  /** Where its output rows go, from float {@link #outAt} on. */
  abstract FloatBuffer out();

  abstract int outAt();

  /** The keys of its chunk and of those before it, if it is to be kept; otherwise empty. */
  List<String> prefix() {
    return List.of();
  }

  /** Makes room for the output rows, before anything that cannot be undone. */
  abstract void prepare();

  /** All output rows are written. Must be short: the engine waits for it. */
  abstract void completed();

  /** The step will not be computed, or no further. Must be short. */
  abstract void failed(ScheduleException cause);

  /** Begins again: the step is being submitted. */
  final void reset() {
    submittedNanos = System.nanoTime();
    rowsTaken = 0;
    rowsWritten = 0;
  }

  /** When it was submitted; it may be queued later, because a call was running. */
  final long submittedNanos() {
    return submittedNanos;
  }

  final int nRows() {
    return rows().nRows(entry());
  }

  final int rowsTaken() {
    return rowsTaken;
  }

  final void take(int nRows) {
    rowsTaken += nRows;
  }

  /** Whether the stage can read and write the step's own buffers, if the step is a batch alone. */
  final boolean isInPlace() {
    return data().isDirect()
        && out().isDirect()
        && dataAt() == 0
        && outAt() == 0
        && rowsWritten == 0;
  }

  /** Output rows of one piece, which arrive in order, were written in place. */
  final void wrote(int nRows) {
    rowsWritten += nRows;
  }

  /** Adds output rows of one piece, which arrive in order. */
  final void append(FloatBuffer from, int index, int nRows, int outWidth) {
    out().put(outAt() + rowsWritten * outWidth, from, index, nRows * outWidth);
    wrote(nRows);
  }
}
