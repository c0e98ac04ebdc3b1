package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Span;
import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The sequences of one connection, or of one generation, of a {@link Tenant}. They end together,
 * and are paused together. Every method may be called by any thread.
 */
public final class Lane {
  private final ModelScheduler scheduler;
  private final Tenant tenant;
  private volatile boolean paused;
  private volatile boolean closed;

  /** Belongs to whoever holds the engine. */
  private final List<ScheduledSequence> sequences = new ArrayList<>();

  Lane(ModelScheduler scheduler, Tenant tenant) {
    this.scheduler = scheduler;
    this.tenant = tenant;
  }

  /**
   * Opens a sequence in a stage.
   *
   * @param maxPositions positions to reserve
   * @return fails with a {@link ScheduleException}
   */
  public CompletableFuture<ScheduledSequence> open(Span span, int maxPositions) {
    return open(span, maxPositions, List.of());
  }

  /**
   * Opens a sequence in a stage. If the scheduler knows how its prompt begins, the sequence begins
   * with a {@link ScheduledSequence#restored} length.
   *
   * @param maxPositions positions to reserve
   * @param prefix the keys of the whole chunks that the prompt begins with, see {@link
   *     ScheduledSequence#submit(StepRows, FloatBuffer, List, CompletableFuture)}
   * @return fails with a {@link ScheduleException}
   */
  public CompletableFuture<ScheduledSequence> open(
      Span span, int maxPositions, List<String> prefix) {
    return scheduler.open(this, span, maxPositions, prefix);
  }

  /**
   * Computes nothing for this lane until {@link #resume}, because its peer does not read the
   * results.
   */
  public void pause() {
    paused = true;
  }

  /** Continues after {@link #pause}. */
  public void resume() {
    paused = false;
    scheduler.inbox().call();
  }

  /** Frees the lane's sequences as soon as a running step is done; idempotent. */
  public void close() {
    closed = true;
    scheduler.dropLane(this);
  }

  boolean isClosed() {
    return closed;
  }

  boolean isPaused() {
    return paused;
  }

  Tenant tenant() {
    return tenant;
  }

  // Only for whoever holds the engine, from here on.

  void add(ScheduledSequence sequence) {
    sequences.add(sequence);
    tenant.add(sequence);
  }

  void remove(ScheduledSequence sequence) {
    sequences.remove(sequence);
    tenant.remove(sequence);
  }

  void endAll(Reason reason, String message) {
    for (ScheduledSequence sequence : List.copyOf(sequences)) {
      sequence.end(new ScheduleException(reason, message));
    }
  }
}
