package dev.tandem.scheduler;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongPredicate;

/** Waits for the clients of a scheduler that is being closed. */
final class Drain {
  /** A client that pauses for longer between two steps is not waited for. */
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private Drain() {}

  /**
   * Waits until no client works any more.
   *
   * @param millis wait no longer than that
   * @param working for whoever holds the engine: whether steps wait, or one was done a shorter time
   *     ago than so many nanoseconds
   */
  static void await(Inbox inbox, long millis, LongPredicate working) throws InterruptedException {
    long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
    long pause = Math.min(nanos / 2, LONGEST_PAUSE_NANOS);
    long deadline = System.nanoTime() + nanos;
    try {
      while (true) {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        boolean asked = inbox.post(() -> answer.complete(working.test(pause)));
        long left = Math.max(0, deadline - System.nanoTime());
        if (!asked || !answer.get(left, TimeUnit.NANOSECONDS)) {
          return;
        }
        TimeUnit.NANOSECONDS.sleep(Math.min(POLL_NANOS, left));
      }
    } catch (TimeoutException e) {
      return; // a call is running; its sequences are ended after it
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
