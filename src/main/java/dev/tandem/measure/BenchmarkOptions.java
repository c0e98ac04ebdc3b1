package dev.tandem.measure;

import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import java.util.List;

/**
 * The measurements of {@link Benchmark}.
 *
 * @param settings the arithmetic; its threads are replaced by {@code threads}
 * @param placements where the model's spans run
 * @param threads numbers of threads, 0 for all cores
 * @param promptTokens rows of the prompt that is timed
 * @param contexts positions before the token that is timed
 * @param batches sequences decoded together
 * @param repeat pairs of probe and run
 */
public record BenchmarkOptions(
    EngineSettings settings,
    List<Placement> placements,
    List<Integer> threads,
    int promptTokens,
    List<Integer> contexts,
    List<Integer> batches,
    int repeat) {

  /** The core's limit, which is the number of OpenBLAS's buffers. */
  private static final int MAX_THREADS = 128;

  /**
   * Checks the ranges.
   *
   * @throws InvalidSettingException naming the first wrong value
   */
  public BenchmarkOptions {
    placements = List.copyOf(placements);
    threads = List.copyOf(threads);
    contexts = List.copyOf(contexts);
    batches = List.copyOf(batches);
    atLeast("threads", threads, 0);
    for (int n : threads) {
      InvalidSettingException.require(
          n <= MAX_THREADS, "threads", "must be at most " + MAX_THREADS, n);
    }
    if (placements.stream().anyMatch(Placement::split)) {
      settings.requireRowExact("where a model is split");
    }
    atLeast("contexts", contexts, 0);
    atLeast("batches", batches, 1);
    atLeast("promptTokens", List.of(promptTokens), 1);
    atLeast("repeat", List.of(repeat), 1);
  }

  private static void atLeast(String name, List<Integer> values, int min) {
    for (int value : values) {
      InvalidSettingException.require(value >= min, name, "must be at least " + min, value);
    }
  }
}
