package dev.tandem.cli.terminal;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Handles Ctrl-C and SIGTERM while a command works: the virtual machine runs shutdown hooks and
 * then exits with 130 or 143. The hook here asks the command to stop and waits for it. So sequences
 * are released and the last line is complete before the process ends.
 *
 * <p>Opened before the resources that must be closed in order, so that it is closed after them.
 */
public final class Interrupts implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final CountDownLatch finished = new CountDownLatch(1);
  private final Thread hook;

  private Interrupts(Runnable stop, Duration patience) {
    hook =
        new Thread(
            () -> {
              stop.run();
              awaitFinished(patience);
            },
            "interrupt");
  }

  /** Runs {@code stop} if the process is asked to end before this is closed, on another thread. */
  public static Interrupts during(Runnable stop) {
    return during(stop, Duration.ZERO);
  }

  /**
   * As {@link #during(Runnable)}.
   *
   * @param ending what the command may need to end; the process waits a little longer for it
   */
  public static Interrupts during(Runnable stop, Duration ending) {
    Interrupts interrupts = new Interrupts(stop, ending.plus(PATIENCE));
    Runtime.getRuntime().addShutdownHook(interrupts.hook);
    return interrupts;
  }

  /** The command has ended: the hook no longer waits for it. */
  @Override
  public void close() {
    finished.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending, and the hook has done its work.
      return;
    }
  }

  private void awaitFinished(Duration patience) {
    try {
      // If the command takes longer, the process ends without it.
      var unused = finished.await(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
