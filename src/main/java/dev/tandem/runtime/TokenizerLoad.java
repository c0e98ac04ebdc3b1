package dev.tandem.runtime;

import dev.tandem.model.Checkpoint;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Opens a checkpoint's tokenizer on a separate thread while the stages are opened: it takes as long
 * as rearranging the weights of a small model. Closing waits for that thread, which reads the
 * checkpoint's files.
 */
final class TokenizerLoad implements AutoCloseable {
  private final FutureTask<Tokenizer> task;

  TokenizerLoad(Checkpoint checkpoint) {
    task = new FutureTask<>(checkpoint::tokenizer);
    Thread thread = new Thread(task, "tandem-tokenizer");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Waits for the tokenizer.
   *
   * @throws IOException if it cannot be read
   */
  Tokenizer await() throws IOException {
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException("opening the tokenizer failed", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the tokenizer was opened");
    }
  }

  /** Waits until the thread has ended, successfully or not. */
  @Override
  public void close() {
    boolean interrupted = false;
    while (!task.isDone()) {
      try {
        task.get();
      } catch (ExecutionException e) {
        break; // await() reports it, or it follows from a failure that is being reported
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
