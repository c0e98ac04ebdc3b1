package dev.tandem.scheduler;

import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;
import java.util.concurrent.CompletableFuture;

/** A step that waits or is partly done; only the engine thread uses it. */
final class PendingStep {
  private final StepRows rows;
  private final FloatBuffer data;
  private final int outWidth;
  private final CompletableFuture<FloatBuffer> done;
  private FloatBuffer result = FloatBuffer.allocate(0);
  private int rowsTaken;

  /**
   * @param data {@code [rows.count(), dModel]} from index 0
   */
  PendingStep(StepRows rows, FloatBuffer data, int outWidth, CompletableFuture<FloatBuffer> done) {
    this.rows = rows;
    this.data = data;
    this.outWidth = outWidth;
    this.done = done;
  }

  StepRows rows() {
    return rows;
  }

  FloatBuffer data() {
    return data;
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

  /** Makes room for the output rows, before anything that cannot be undone. */
  void prepare() {
    if (result.capacity() == 0 && rows.wanted() > 0) {
      result = FloatBuffer.allocate(Math.multiplyExact(rows.wanted(), outWidth));
    }
  }

  /** Adds output rows of one piece; pieces arrive in order. */
  void append(FloatBuffer out, int index, int nOut) {
    result.put(result.position(), out, index, nOut * outWidth);
    result.position(result.position() + nOut * outWidth);
  }

  void complete() {
    done.complete(result.flip());
  }
}
