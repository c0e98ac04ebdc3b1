package dev.tandem;

import java.util.concurrent.Executor;

/**
 * Runs each task on a thread of its own. Tests that wait inside a task use it in place of the
 * common pool: on a small machine that pool has one thread, which the JDK's own HTTP client needs.
 */
public final class ThreadPerTask implements Executor {
  /** One for all tests. */
  public static final Executor THREADS = new ThreadPerTask();

  private ThreadPerTask() {}

  @Override
  public void execute(Runnable task) {
    Thread thread = new Thread(task, "test");
    thread.setDaemon(true);
    thread.start();
  }
}
