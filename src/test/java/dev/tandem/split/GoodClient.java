package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.StageRequest;
import dev.tandem.endpoints.ClientSecurity;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.settings.Output;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.net.URI;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/**
 * A client with a key of its own that generates one text after the other, compares every bit with
 * what it has computed by itself, and measures its steps. Nothing may be refused.
 */
final class GoodClient implements AutoCloseable {
  private static final int PROMPT = 40;
  private static final int STEPS = 100;

  /** Between two steps, as a client computes logits and draws a token; the machine then rests. */
  private static final long PAUSE_MILLIS = 1;

  private final CompletableFuture<Void> running;
  private long[] nanos = new long[1 << 12];
  private int n;
  private int texts;
  private volatile boolean stop;

  /**
   * Starts it.
   *
   * @param local the model on this side, for itself alone
   */
  GoodClient(URI server, String key, Stage local) throws IOException {
    float[] rows = rows(local.spec().dModel());
    float[][] alone = generate(local, rows, false);
    running = CompletableFuture.runAsync(() -> run(server, key, rows, alone), THREADS);
  }

  private static float[] rows(int dModel) {
    Random random = new Random(5);
    float[] rows = new float[(PROMPT + STEPS) * dModel];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (float) random.nextGaussian() / 8;
    }
    return rows;
  }

  private void run(URI server, String key, float[] rows, float[][] alone) {
    ConnectionOptions options =
        ConnectionOptions.defaults().withSecurity(ClientSecurity.NONE.withApiKey(key));
    try (ServerConnection connection = ServerConnection.connect(server, options)) {
      int layers = connection.models().get(0).nLayers();
      RemoteStage remote =
          connection.stage(
              new StageRequest(
                  new Span(0, layers, Output.HIDDEN),
                  connection.models().get(0).profile(),
                  List.of()));
      while (!stop) {
        if (!Arrays.deepEquals(generate(remote, rows, true), alone)) {
          throw new AssertionError("other bits");
        }
        synchronized (this) {
          texts++;
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The last row of a prompt, and the rows behind it, one by one. */
  private float[][] generate(Stage stage, float[] rows, boolean timed) throws IOException {
    float[][] results = new float[STEPS + 1][];
    try (Sequence sequence = stage.openSequence(PROMPT + STEPS)) {
      results[0] = step(stage, sequence, 0, PROMPT, rows);
      for (int i = 0; i < STEPS; i++) {
        long begin = System.nanoTime();
        results[i + 1] = step(stage, sequence, PROMPT + i, 1, rows);
        if (timed) {
          add(System.nanoTime() - begin);
          Thread.sleep(PAUSE_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return results;
  }

  private static float[] step(Stage stage, Sequence sequence, int position, int n, float[] rows)
      throws IOException {
    int dModel = stage.spec().dModel();
    RowKind kind = n > 1 ? RowKind.PROMPT : RowKind.GENERATED;
    Batch batch = new Batch();
    batch.add(sequence, position, n, kind, n > 1, n - 1, 1);
    FloatBuffer in = ToyServer.direct(n * dModel);
    in.put(0, rows, position * dModel, n * dModel);
    FloatBuffer out = ToyServer.direct(stage.spec().outWidth());
    stage.step(batch, in, out);
    float[] row = new float[out.capacity()];
    out.get(0, row);
    return row;
  }

  private synchronized void add(long stepNanos) {
    nanos = n == nanos.length ? Arrays.copyOf(nanos, 2 * n) : nanos;
    nanos[n++] = stepNanos;
  }

  /** The times of the steps since the last call, in nanoseconds. */
  synchronized long[] takeTimes() {
    long[] taken = Arrays.copyOf(nanos, n);
    n = 0;
    return taken;
  }

  /** Texts compared so far; fails if anything went wrong. */
  synchronized int texts() {
    if (running.isDone()) {
      running.join();
    }
    return texts;
  }

  /** Ends it; fails if anything went wrong. */
  @Override
  public void close() {
    stop = true;
    running.join();
  }
}
