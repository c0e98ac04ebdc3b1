package dev.tandem.split;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.StageRequest;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.endpoints.ServerTimes;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.server.OfferedModel;
import dev.tandem.server.SplitServer;
import dev.tandem.settings.Output;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** A server with a toy model, and what tests do with it. */
final class ToyServer implements AutoCloseable {
  static final int C = 16;
  static final int D = 24;
  static final int VOCAB = 37;
  static final int MAX_SEQ = 400;

  final ToyProvider model;
  final SplitServer server;

  ToyServer(ServerOptions options) throws IOException {
    this(options, new ToyProvider(C, D, VOCAB, MAX_SEQ));
  }

  ToyServer(ServerOptions options, ToyProvider model) throws IOException {
    this.model = model;
    this.server =
        SplitServer.start(
            options, List.of(new OfferedModel("toy", ToyProvider.LAYERS, List.of(), model)));
  }

  /** Any port; the sequences of lost connections are freed at once. */
  static ServerOptions anyPort() {
    ServerOptions defaults = ServerOptions.defaults();
    return defaults
        .withAddress("127.0.0.1", 0)
        .withTimes(defaults.times().withResumeGrace(Duration.ZERO));
  }

  /** Any port; sequences of lost connections are kept for so long. */
  static ServerOptions anyPort(long pingMillis, long drainMillis, long graceMillis) {
    return anyPort()
        .withTimes(
            ServerTimes.DEFAULTS
                .withPingInterval(Duration.ofMillis(pingMillis))
                .withDrain(Duration.ofMillis(drainMillis))
                .withResumeGrace(Duration.ofMillis(graceMillis)));
  }

  URI uri() {
    return URI.create(server.uri());
  }

  ServerConnection connect() throws IOException {
    return ServerConnection.connect(uri(), ConnectionOptions.defaults());
  }

  static ConnectionOptions pingEvery(Duration interval) {
    ConnectionOptions defaults = ConnectionOptions.defaults();
    return new ConnectionOptions(
        defaults.connectTimeout(), defaults.openTimeout(), defaults.stepTimeout(), interval);
  }

  StageRequest request(int begin, Output output) {
    return new StageRequest(
        new Span(begin, ToyProvider.LAYERS, output), model.profile(), List.of());
  }

  RemoteStage stage(ServerConnection connection, int begin, Output output) throws IOException {
    return connection.stage(request(begin, output));
  }

  static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  static float[] randomRows(Random random, int n) {
    float[] rows = new float[n * D];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (float) random.nextGaussian();
    }
    return rows;
  }

  /** One step of one sequence: all rows, the last {@code nOut} of them requested. */
  static float[] step(
      Stage stage, Sequence sequence, int position, float[] rows, int n, RowKind kind, int nOut)
      throws IOException {
    Batch batch = new Batch();
    batch.add(sequence, position, n, kind, kind == RowKind.PROMPT, n - nOut, nOut);
    FloatBuffer in = direct(n * D);
    in.put(0, rows, position * D, n * D);
    FloatBuffer out = direct(nOut * stage.spec().outWidth());
    stage.step(batch, in, out);
    float[] result = new float[out.capacity()];
    out.get(0, result);
    return result;
  }

  /**
   * A generation: a prompt with all rows requested, single rows, a rollback, several rows at once.
   */
  static float[][] generate(Stage stage, float[] rows, int nPrompt, int n) throws IOException {
    float[][] results = new float[n][];
    try (Sequence sequence = stage.openSequence(n)) {
      results[0] = step(stage, sequence, 0, rows, nPrompt, RowKind.PROMPT, nPrompt);
      int at = 1;
      for (int position = nPrompt; position < n; ) {
        int many = at % 5 == 4 ? Math.min(7, n - position) : 1;
        results[at++] = step(stage, sequence, position, rows, many, RowKind.GENERATED, many);
        position += many > 1 ? Math.max(1, many - 2) : 1;
        if (at == results.length) {
          break;
        }
      }
    }
    return results;
  }

  @Override
  public void close() {
    server.close();
  }
}
