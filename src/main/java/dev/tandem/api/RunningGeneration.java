package dev.tandem.api;

import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.TokenSink;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationResult;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A generation on a thread of its own, with a listener, a future and a publisher of its results.
 */
final class RunningGeneration implements Generation, TokenSink {

  /** What the generation's thread does. */
  interface Work {

    /** Generates; called once. */
    GenerationResult run(TokenSink sink, BooleanSupplier cancelled)
        throws IOException, GenerationException;

    /** Ends a running step, if that can be done; called by any thread. */
    void abort();
  }

  private final Work work;
  private final GenerationListener listener;
  private final boolean split;
  private final CompletableFuture<GenerationResult> future = new CompletableFuture<>();
  private final TextPublisher publisher = new TextPublisher();
  private volatile boolean cancelled;

  /**
   * @param split whether a failing step is a server's failure
   */
  RunningGeneration(Work work, GenerationListener listener, boolean split) {
    this.work = work;
    this.listener = listener;
    this.split = split;
  }

  /** Generates to the end, whatever that is; called once, on the generation's thread. */
  void run() {
    GenerationResult result;
    try {
      result = generate();
    } catch (IOException | GenerationException | RuntimeException | Error e) {
      fail(Failures.ofGeneration(e, split));
      return;
    }
    try {
      if (result.cancelled()) {
        listener.cancelled(result);
      } else {
        listener.completed(result);
      }
    } finally {
      publisher.end(null);
      future.complete(result);
    }
  }

  private GenerationResult generate() throws IOException, GenerationException {
    try {
      return work.run(this, () -> cancelled);
    } finally {
      boolean unused = Thread.interrupted(); // the interrupt was for a step, not for the listener
    }
  }

  /** Ends it as failed. */
  void fail(TandemException failure) {
    try {
      listener.failed(failure);
    } finally {
      publisher.end(failure);
      future.completeExceptionally(failure);
    }
  }

  @Override
  public void token(int id, @Nullable GeneratedToken details) {
    listener.token(details != null ? details : new GeneratedToken(id, Double.NaN, List.of()));
  }

  @Override
  public void text(String piece) {
    publisher.add(piece);
    listener.text(piece);
  }

  @Override
  public void cancel() {
    if (!isDone()) {
      cancelled = true;
      work.abort();
    }
  }

  @Override
  public boolean isDone() {
    return future.isDone();
  }

  @Override
  public GenerationResult result() {
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof TandemException failure) {
        throw failure;
      }
      throw e;
    }
  }

  @Override
  public CompletableFuture<GenerationResult> future() {
    return future.copy();
  }

  @Override
  public Flow.Publisher<String> publisher() {
    return publisher;
  }
}
