package dev.tandem.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Resources that are opened one after another and closed together, the last one first. In a
 * try-with-resources statement it closes what was opened before a failure; {@link #succeeded} says
 * that there was none. One thread at a time uses it.
 */
public final class ResourceScope implements AutoCloseable {
  private final Deque<AutoCloseable> resources = new ArrayDeque<>();

  /** Adds a resource that was just opened, and returns it. */
  public <T extends AutoCloseable> T add(T resource) {
    resources.push(resource);
    return resource;
  }

  /** Leaves all resources open; the caller closes them. */
  public void succeeded() {
    resources.clear();
  }

  /** The same as {@link #succeeded}, but with a scope that closes the resources later. */
  ResourceScope handOver() {
    ResourceScope later = new ResourceScope();
    later.resources.addAll(resources);
    resources.clear();
    return later;
  }

  /** Closes all resources after a failure, which gets what fails meanwhile as suppressed. */
  public void closeAfter(Throwable failure) {
    try {
      close();
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * Closes all resources, whether one fails or not; idempotent.
   *
   * @throws RuntimeException the first failure, with the others as suppressed
   */
  @Override
  public void close() {
    RuntimeException first = null;
    while (!resources.isEmpty()) {
      RuntimeException failure = closed(resources.pop());
      if (first == null) {
        first = failure;
      } else if (failure != null) {
        first.addSuppressed(failure);
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private static @Nullable RuntimeException closed(AutoCloseable resource) {
    try {
      resource.close();
      return null;
    } catch (RuntimeException e) {
      return e;
    } catch (IOException e) {
      return new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new IllegalStateException("closing was interrupted", e);
    } catch (Exception e) {
      return new IllegalStateException("a resource could not be closed", e);
    }
  }
}
