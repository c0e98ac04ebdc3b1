package dev.tandem.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and SIGTERM: the virtual machine runs shutdown hooks and then leaves with 130 or 143. The
 * hook here asks the command to stop and waits, so that sequences are released and the last line is
 * whole before the process ends.
 */
final class Interrupts {
  private static final long PATIENCE_SECONDS = 5;
  private static final CountDownLatch FINISHED = new CountDownLatch(1);

  private Interrupts() {}

  /** Runs {@code stop} when the process is asked to end. */
  static void onInterrupt(Runnable stop) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stop.run();
                  awaitFinished();
                },
                "interrupt"));
  }

  /** Says that the command has ended, so that nobody waits for it any longer. */
  static void finished() {
    FINISHED.countDown();
  }

  private static void awaitFinished() {
    try {
      if (!FINISHED.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        Runtime.getRuntime().halt(Cli.INTERRUPTED);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
