package dev.tandem.scheduler;

import java.nio.FloatBuffer;
import java.util.concurrent.CompletableFuture;

/** A step that waits or is partly done; it belongs to the engine thread. */
final class PendingStep {
  private final StepRows rows;
  private final int outWidth;
  private final CompletableFuture<FloatBuffer> done;
  private FloatBuffer result = FloatBuffer.allocate(0);
  private int rowsTaken;

  PendingStep(StepRows rows, int outWidth, CompletableFuture<FloatBuffer> done) {
    this.rows = rows;
    this.outWidth = outWidth;
    this.done = done;
  }

  StepRows rows() {
    return rows;
  }

  CompletableFuture<FloatBuffer> done() {
    return done;
  }

  int rowsTaken() {
    return rowsTaken;
  }

  void take(int nRows) {
    rowsTaken += nRows;
  }

  /** Makes room for the wanted rows, before anything that cannot be undone. */
  void prepare() {
    if (result.capacity() == 0 && rows.nOut() > 0) {
      result = FloatBuffer.allocate(Math.multiplyExact(rows.nOut(), outWidth));
    }
  }

  /** Adds wanted rows of one piece, which arrive in order. */
  void append(FloatBuffer out, int index, int nOut) {
    result.put(result.position(), out, index, nOut * outWidth);
    result.position(result.position() + nOut * outWidth);
  }

  void complete() {
    done.complete(result.flip());
  }
}
