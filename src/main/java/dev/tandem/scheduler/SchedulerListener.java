package dev.tandem.scheduler;

/** Is told what goes wrong in a scheduler; the sequences that it concerns are told as well. */
@FunctionalInterface
public interface SchedulerListener {
  /** Ignores everything. */
  SchedulerListener NONE = (problem, cause) -> {};

  /**
   * Something failed. Called by the thread that runs steps, which waits.
   *
   * @param problem one line for people
   */
  void failed(String problem, Throwable cause);
}
