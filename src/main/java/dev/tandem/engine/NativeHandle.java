package dev.tandem.engine;

import java.lang.ref.Cleaner;

/**
 * The owner of one native resource. The resource is freed exactly once: after its owner closed it
 * (or was collected), after the native calls that use it have returned, and after everything that
 * was opened from it has been freed. These events may happen in any order.
 */
final class NativeHandle implements Runnable {
  private static final Cleaner CLEANER = Cleaner.create();

  private final String what;
  private final Runnable free;
  private final NativeHandle[] parents;
  private int uses = 1;
  private boolean closed;

  /**
   * @param what names the resource in messages
   * @param free frees it; must not refer to the owner
   * @param parents handles that must outlive this one
   */
  NativeHandle(String what, Runnable free, NativeHandle... parents) {
    this.what = what;
    this.free = free;
    this.parents = parents;
    for (NativeHandle parent : parents) {
      parent.acquire();
    }
  }

  /** Closes this handle when {@code owner} becomes unreachable. */
  void closeWith(Object owner) {
    CLEANER.register(owner, this);
  }

  /**
   * Begins one use, which keeps the resource alive until {@link #release}.
   *
   * @throws IllegalStateException if it is closed
   */
  synchronized void acquire() {
    if (closed) {
      throw new IllegalStateException(what + " is closed");
    }
    uses++;
  }

  /** Ends one use. */
  void release() {
    boolean last;
    synchronized (this) {
      uses--;
      last = uses == 0;
    }
    if (last) {
      free.run();
      for (NativeHandle parent : parents) {
        parent.release();
      }
    }
  }

  /** Closes the owner's use; idempotent. */
  @Override
  public void run() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    release();
  }
}
