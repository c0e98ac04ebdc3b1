package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import java.io.IOException;
import java.time.Duration;

/** Waits between the tries of one transfer, longer each time, and gives up after too many. */
final class RetryPolicy {
  /** A failure that may pass, with the delay that the hub asks for. */
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

  RetryPolicy(String subject, TransferLimits limits, PullListener listener) {
    this.subject = subject;
    this.limits = limits;
    this.listener = listener;
  }

  /** Records progress: the next failure counts as the first one. */
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
              + " times; the downloaded parts are kept: the same command continues from there",
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
                + " s; the downloaded parts are kept: run the same command later to continue",
            e);
      }
      delay = Math.max(delay, temporary.retryAfterMillis);
    }
    listener.note(
        subject + ": " + HubException.reason(e) + "; next try in " + delay / 1000.0 + " s");
    Thread.sleep(delay);
  }
}
