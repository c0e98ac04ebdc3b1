package dev.tandem.api;

import dev.tandem.generation.GenerationResult;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * A running generation. {@link TextModel#start} returns it; every method may be called by any
 * thread at any time.
 */
public interface Generation {

  /**
   * Ends it as soon as the running step is done, and frees its sequence. It then ends with what
   * there was until that moment, which is no failure. Without effect once it has ended.
   */
  void cancel();

  /** Whether it has ended: by itself, cancelled or failed. */
  boolean isDone();

  /**
   * Waits until it has ended.
   *
   * @return what was generated; {@link GenerationResult#cancelled} says whether it was cancelled
   * @throws RequestException if the request does not fit the model
   * @throws ServerException if a server fails
   * @throws TandemException if it fails for another reason
   */
  GenerationResult result();

  /**
   * The result when it is there, or the exception that {@link #result} throws. Cancelling or
   * completing the future has no effect on the generation.
   */
  CompletableFuture<GenerationResult> future();

  /**
   * The text in pieces, as {@link GenerationListener#text} gets them. Each subscriber gets all
   * pieces from the beginning, whenever it subscribes, and no more at once than it requests; its
   * methods are called by the generation's thread or by the one that requests. A subscription that
   * is cancelled leaves the generation alone.
   */
  Flow.Publisher<String> publisher();
}
