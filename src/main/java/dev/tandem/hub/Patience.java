package dev.tandem.hub;

import java.io.IOException;
import java.time.Duration;

/** Waits between the tries of one transfer, longer each time, and gives up in the end. */
final class Patience {
  /** A failure that may pass, with how long the hub wants to be left alone. */
  static final class TemporaryFailure extends IOException {
    private static final long serialVersionUID = 1;
    private final long retryAfterMillis;

    TemporaryFailure(String message, Duration retryAfter) {
      super(message);
      this.retryAfterMillis = retryAfter.toMillis();
    }
  }

  private final String subject;
  private final TransferLimits limits;
  private final PullListener listener;
  private int failures;

  Patience(String subject, TransferLimits limits, PullListener listener) {
    this.subject = subject;
    this.limits = limits;
    this.listener = listener;
  }

  /** Something new has come: the next failure is the first again. */
  void progressed() {
    failures = 0;
  }

  /**
   * Waits before the next try.
   *
   * @throws HubException if the failure is final or there were too many
   */
  void failed(IOException e) throws HubException, InterruptedException {
    if (e instanceof HubException fatal) {
      throw fatal;
    }
    failures++;
    if (failures >= limits.attempts()) {
      throw new HubException(
          subject
              + ": "
              + HubException.reason(e)
              + ", "
              + failures
              + " times; what was downloaded is kept: the same command goes on from there",
          e);
    }
    long delay =
        Math.min(
            limits.longestDelay().toMillis(), limits.firstDelay().toMillis() << (failures - 1));
    if (e instanceof TemporaryFailure temporary) {
      if (temporary.retryAfterMillis > limits.longestRetryAfter().toMillis()) {
        throw new HubException(
            subject
                + ": "
                + e.getMessage()
                + " and asks to wait for "
                + temporary.retryAfterMillis / 1000
                + " s; what was downloaded is kept: the same command goes on from there later",
            e);
      }
      delay = Math.max(delay, temporary.retryAfterMillis);
    }
    listener.note(
        subject + ": " + HubException.reason(e) + "; next try in " + delay / 1000.0 + " s");
    Thread.sleep(delay);
  }
}
