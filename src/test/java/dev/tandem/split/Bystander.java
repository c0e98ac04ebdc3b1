package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.settings.Output;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** A well-behaved client that generates all the time and compares every bit. */
final class Bystander implements AutoCloseable {
  private final CompletableFuture<Void> running;
  private final AtomicInteger rounds = new AtomicInteger();
  private volatile boolean stop;

  Bystander(ToyServer toy) {
    running = CompletableFuture.runAsync(() -> run(toy), THREADS);
  }

  private void run(ToyServer toy) {
    try (ServerConnection connection = toy.connect()) {
      float[] rows = ToyServer.randomRows(new Random(1), 60);
      RemoteStage remote = toy.stage(connection, 1, Output.LOGITS);
      Stage local = toy.model.open(Span.toLogits(1, 4));
      float[][] alone = ToyServer.generate(local, rows, 40, 60);
      while (!stop) {
        try {
          if (!Arrays.deepEquals(ToyServer.generate(remote, rows, 40, 60), alone)) {
            throw new AssertionError("other bits");
          }
          rounds.incrementAndGet();
        } catch (IOException e) {
          if (!String.valueOf(e.getMessage()).contains("(capacity)")) {
            throw e;
          }
          // The others have all sequences: it tries again.
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  int rounds() {
    return rounds.get();
  }

  /** Waits until one more round is done, and fails if anything went wrong so far. */
  void assertAlive() throws InterruptedException {
    int before = rounds.get();
    while (rounds.get() == before && !running.isDone()) {
      Thread.sleep(1);
    }
    if (running.isDone()) {
      running.join();
    }
  }

  /** Ends it; fails if anything went wrong. */
  @Override
  public void close() {
    stop = true;
    running.join();
  }
}
