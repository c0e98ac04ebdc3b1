package dev.tandem.scheduler;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that run between steps, and the places where the engine's thread waits for them. Whoever
 * holds the engine runs them; openings, which may take long and read files, by the engine's thread
 * alone.
 */
final class Inbox {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private final Condition gathering = lock.newCondition();
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private final ArrayDeque<Runnable> openings = new ArrayDeque<>();
  private boolean shut;
  private volatile boolean called;

  /** Adds a task and wakes the engine's thread: whether anybody will still run it. */
  boolean post(Runnable task) {
    return add(tasks, task, true);
  }

  /**
   * Adds a task whose caller makes sure itself that it is run, see {@link ModelScheduler#await}:
   * the engine's thread sleeps on.
   */
  boolean postQuietly(Runnable task) {
    return add(tasks, task, false);
  }

  /** Adds what only the engine's thread may do, and wakes it. */
  boolean postOpening(Runnable opening) {
    return add(openings, opening, true);
  }

  private boolean add(ArrayDeque<Runnable> queue, Runnable task, boolean wake) {
    lock.lock();
    try {
      if (shut) {
        return false;
      }
      queue.add(task);
      if (wake) {
        called = true;
        idle.signal();
      }
      gathering.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Nullable Runnable nextTask() {
    return next(tasks);
  }

  @Nullable Runnable nextOpening() {
    return next(openings);
  }

  private @Nullable Runnable next(ArrayDeque<Runnable> queue) {
    lock.lock();
    try {
      return queue.poll();
    } finally {
      lock.unlock();
    }
  }

  boolean hasTasks() {
    lock.lock();
    try {
      return !tasks.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Wakes the engine's thread. */
  void call() {
    lock.lock();
    try {
      called = true;
      idle.signal();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether the engine's thread was called and has not come yet; other threads should not begin.
   */
  boolean isCalled() {
    return called;
  }

  /** The engine's thread is here; what is posted from now on calls it again. */
  void answer() {
    called = false;
  }

  /** The engine's thread waits until it is called or there is something to do, or for that long. */
  void awaitCall(long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (!called && tasks.isEmpty() && openings.isEmpty() && left > 0) {
        left = idle.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whoever holds the engine waits for a task, but not for long; false if it was interrupted. */
  boolean awaitTask(long nanos) {
    lock.lock();
    try {
      long left = nanos;
      while (tasks.isEmpty() && left > 0) {
        left = gathering.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // its caller looks at it
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** Takes nothing more. */
  void shut() {
    lock.lock();
    try {
      shut = true;
    } finally {
      lock.unlock();
    }
  }
}
