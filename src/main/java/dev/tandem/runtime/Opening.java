package dev.tandem.runtime;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Resources that are being opened one after another: unless {@link #succeeded} is called, {@link
 * #close} closes them again, the last one first.
 */
public final class Opening implements AutoCloseable {
  private final Deque<Runnable> closers = new ArrayDeque<>();

  public <T extends AutoCloseable> T add(T resource) {
    closers.push(
        () -> {
          try {
            resource.close();
          } catch (Exception e) {
            // The failure that led here is the one to report; this one is a consequence.
            return;
          }
        });
    return resource;
  }

  public void succeeded() {
    closers.clear();
  }

  /** The same as {@link #succeeded}, with the resources handed over to be closed later. */
  Opening taken() {
    Opening later = new Opening();
    later.closers.addAll(closers);
    closers.clear();
    return later;
  }

  @Override
  public void close() {
    while (!closers.isEmpty()) {
      closers.pop().run();
    }
  }
}
