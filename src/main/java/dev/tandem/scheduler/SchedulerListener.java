package dev.tandem.scheduler;

/** Gets the failures in a scheduler. The sequences that fail get them as well. */
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
