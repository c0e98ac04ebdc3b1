package dev.tandem.api;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The threads that generations run on; they are kept for the next ones for a while. */
final class GenerationThreads implements AutoCloseable {
  private final AtomicInteger made = new AtomicInteger();
  private final ExecutorService executor =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "tandem-generation-" + made.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });
  private final Set<RunningGeneration> running = new HashSet<>(); // guarded by itself

  /**
   * Starts a generation.
   *
   * @throws IllegalStateException after {@link #close}
   */
  void start(RunningGeneration generation) {
    synchronized (running) {
      running.add(generation);
    }
    try {
      executor.execute(() -> run(generation));
    } catch (RejectedExecutionException e) {
      remove(generation);
      throw new IllegalStateException("the model is closed", e);
    }
  }

  private void run(RunningGeneration generation) {
    try {
      generation.run();
    } finally {
      remove(generation);
    }
  }

  private void remove(RunningGeneration generation) {
    synchronized (running) {
      running.remove(generation);
    }
  }

  /** Cancels what is running and waits until it has ended; idempotent. */
  @Override
  public void close() {
    List<RunningGeneration> now;
    executor.shutdown();
    synchronized (running) {
      now = List.copyOf(running);
    }
    now.forEach(RunningGeneration::cancel);
    executor.shutdownNow(); // interrupts what waits for a server that does not answer
    boolean interrupted = false;
    boolean over = false;
    while (!over) {
      try {
        over = executor.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
