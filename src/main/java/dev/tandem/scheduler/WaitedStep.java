package dev.tandem.scheduler;

import dev.tandem.stage.Batch;
import java.nio.FloatBuffer;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A step whose caller waits for it and whose rows are in the caller's buffers. Used again for every
 * step of a sequence, so that a token allocates nothing.
 */
final class WaitedStep extends PendingStep implements Waited {
  private static final FloatBuffer NOTHING = FloatBuffer.allocate(0);

  private Batch rows = new Batch();
  private int entry;
  private FloatBuffer data = NOTHING;
  private int dataAt;
  private FloatBuffer out = NOTHING;
  private int outAt;
  private @Nullable ScheduleException failure;
  private volatile @Nullable Thread waiter;
  private volatile boolean done = true;

  /** Prepares the step; the batch and the buffers are not to be changed until it is done. */
  void begin(Batch batch, int batchEntry, FloatBuffer in, int inAt, FloatBuffer to, int toAt) {
    reset();
    rows = batch;
    entry = batchEntry;
    data = in;
    dataAt = inAt;
    out = to;
    outAt = toAt;
    failure = null;
    waiter = Thread.currentThread();
    done = false;
  }

  /** Why it failed; null if it did not. */
  @Nullable ScheduleException failure() {
    return failure;
  }

  @Override
  public boolean isDone() {
    return done;
  }

  @Override
  Batch rows() {
    return rows;
  }

  @Override
  int entry() {
    return entry;
  }

  @Override
  FloatBuffer data() {
    return data;
  }

  @Override
  int dataAt() {
    return dataAt;
  }

  @Override
  FloatBuffer out() {
    return out;
  }

  @Override
  int outAt() {
    return outAt;
  }

  @Override
  void prepare() {}

  @Override
  void completed() {
    Thread waiting = waiter; // the caller may begin its next step as soon as this one is done
    done = true;
    if (waiting != Thread.currentThread()) {
      LockSupport.unpark(waiting);
    }
  }

  @Override
  void failed(ScheduleException cause) {
    failure = cause;
    completed();
  }
}
