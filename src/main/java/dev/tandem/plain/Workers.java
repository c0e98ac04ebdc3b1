package dev.tandem.plain;

import java.util.concurrent.ForkJoinPool;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** The threads that share out a step's work. */
final class Workers implements AutoCloseable {
  private final ForkJoinPool pool;

  /**
   * @param threads the number of threads; 0 for all cores
   */
  Workers(int threads) {
    pool = new ForkJoinPool(threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);
  }

  /** Runs a task for each of {@code 0 .. n - 1}, in any order; returns when all are done. */
  void forEach(int n, IntConsumer task) {
    if (n == 1 || pool.getParallelism() == 1) {
      IntStream.range(0, n).forEach(task);
    } else {
      pool.submit(() -> IntStream.range(0, n).parallel().forEach(task)).join();
    }
  }

  @Override
  public void close() {
    pool.shutdown();
  }
}
