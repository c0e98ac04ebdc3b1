package dev.tandem.scheduler;

/**
 * How long a batch of generated rows waits for sequences that will have another row in a moment.
 * Reading the weights is most of a step's time, whatever the number of its rows. Without waiting,
 * sequences that go on one after another would fall into groups that run in turn, each at the price
 * of a whole step.
 *
 * <p>Only a sequence that was quick the last time is waited for: its next step came within {@link
 * #limit} after the one before was done. One that is late is not waited for again until it was
 * quick again. It belongs to whoever holds the engine.
 */
final class Gathering {
  /** The divisor of a batch's time: waiting longer would cost more than it gains. */
  private static final int SHARE = 2;

  private static final long MAX_NANOS = 5_000_000;

  private long limit;
  private long deadline;
  private int awaited;

  /** When a sequence went on last, and whether it is waited for. */
  static final class Pace {
    private long doneNanos;
    private boolean quick;
    private boolean awaited;
  }

  /**
   * A batch of generated rows took that long; {@link #stepDone} follows for each step that it
   * completed.
   */
  void batchDone(long nanos, long now) {
    limit = Math.min(nanos / SHARE, MAX_NANOS);
    deadline = now + limit;
  }

  /** A sequence's step is done and it has no other. */
  void stepDone(Pace pace, long now) {
    pace.doneNanos = now;
    if (pace.quick && !pace.awaited) {
      pace.awaited = true;
      awaited++;
    }
  }

  /** A sequence's next step has come. */
  void stepCame(Pace pace, long now) {
    gone(pace);
    pace.quick = pace.doneNanos != 0 && now - pace.doneNanos <= limit;
  }

  /** A sequence is closed, or its step did not come in time. */
  void gone(Pace pace) {
    if (pace.awaited) {
      pace.awaited = false;
      pace.quick = false;
      awaited--;
    }
  }

  /** Nanoseconds that the next batch should still wait; 0 or less: it should not. */
  long waitNanos(long now) {
    return awaited == 0 ? 0 : deadline - now;
  }

  /** Whether sequences are waited for. */
  boolean isAwaiting() {
    return awaited > 0;
  }
}
