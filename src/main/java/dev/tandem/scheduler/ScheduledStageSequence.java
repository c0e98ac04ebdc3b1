package dev.tandem.scheduler;

import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import java.nio.FloatBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A sequence of a {@link ScheduledStage}: one scheduled sequence in a lane of its own. */
final class ScheduledStageSequence implements Sequence {
  private final ScheduledStage stage;
  private final ModelScheduler scheduler;
  private final Lane lane;
  private final ScheduledSequence scheduled;
  private final WaitedStep step = new WaitedStep();
  private final Runnable enqueueing;
  private volatile int length;
  private volatile boolean closed;

  ScheduledStageSequence(
      ScheduledStage stage, ModelScheduler scheduler, Lane lane, ScheduledSequence scheduled) {
    this.stage = stage;
    this.scheduler = scheduler;
    this.lane = lane;
    this.scheduled = scheduled;
    this.enqueueing = () -> scheduled.enqueue(step);
  }

  ScheduledStage stage() {
    return stage;
  }

  WaitedStep step() {
    return step;
  }

  /**
   * Submits one entry of a batch.
   *
   * @throws IllegalArgumentException if the sequence is twice in the batch
   */
  void submit(Batch batch, int entry, FloatBuffer in, int inAt, FloatBuffer out, int outAt)
      throws ScheduleException {
    checkOpen();
    if (!step.isDone()) {
      throw new IllegalArgumentException("entry " + entry + ": the sequence appears twice");
    }
    step.begin(batch, entry, in, inAt, out, outAt);
    boolean accepted = false;
    try {
      scheduled.submit(step, enqueueing);
      accepted = true;
    } finally {
      if (!accepted) {
        step.completed();
      }
    }
  }

  /** The step is done: why it failed, or null. */
  @Nullable ScheduleException finish(Batch batch, int entry) {
    ScheduleException failure = step.failure();
    length =
        failure == null
            ? batch.position(entry) + batch.nRows(entry)
            : Math.min(length, batch.position(entry));
    return failure;
  }

  @Override
  public int length() {
    checkOpen();
    return length;
  }

  @Override
  public int capacity() {
    return scheduled.capacity();
  }

  /** {@inheritDoc} It waits for a call that is being computed; other running steps fail. */
  @Override
  public void close() {
    closed = true;
    stage.closed(this);
    CompletableFuture<Void> ended = scheduled.ended();
    if (!ended.isDone()) {
      Thread caller = Thread.currentThread();
      var unused = ended.thenRun(() -> LockSupport.unpark(caller));
      scheduler.dropLaneQuietly(lane);
      scheduler.awaitUninterruptibly(ended::isDone);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
  }
}
