package dev.tandem.scheduler;

import dev.tandem.stage.Batch;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A step whose output rows a future gets, in memory of their own. */
final class FutureStep extends PendingStep {
  private final Batch rows;
  private final FloatBuffer data;
  private final int outWidth;
  private final List<String> prefix;
  private final CompletableFuture<FloatBuffer> done;
  private FloatBuffer result = FloatBuffer.allocate(0);

  /**
   * @param rows a batch of this one step
   * @param data its rows from index 0
   * @param prefix see {@link PendingStep#prefix}
   */
  FutureStep(
      Batch rows,
      FloatBuffer data,
      int outWidth,
      List<String> prefix,
      CompletableFuture<FloatBuffer> done) {
    this.rows = rows;
    this.data = data;
    this.outWidth = outWidth;
    this.prefix = List.copyOf(prefix);
    this.done = done;
    reset();
  }

  @Override
  Batch rows() {
    return rows;
  }

  @Override
  int entry() {
    return 0;
  }

  @Override
  FloatBuffer data() {
    return data;
  }

  @Override
  int dataAt() {
    return 0;
  }

  @Override
  FloatBuffer out() {
    return result;
  }

  @Override
  int outAt() {
    return 0;
  }

  @Override
  List<String> prefix() {
    return prefix;
  }

  @Override
  void prepare() {
    if (result.capacity() == 0 && rows.nOut(0) > 0) {
      result = FloatBuffer.allocate(Math.multiplyExact(rows.nOut(0), outWidth));
    }
  }

  @Override
  void completed() {
    done.complete(result);
  }

  @Override
  void failed(ScheduleException cause) {
    done.completeExceptionally(cause);
  }
}
