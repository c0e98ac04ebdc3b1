package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;
import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.anyPort;
import static dev.tandem.split.ToyServer.pingEvery;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameKind;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Opened;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class LifecycleTest {
  private static final Duration PING = Duration.ofMillis(500);

  private final float[] rows = ToyServer.randomRows(new Random(3), 100);

  /** Lets the engine thread wait within a step. */
  private static final class Gate {
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);

    Gate(ToyProvider model) {
      model.onStep(
          batch -> {
            entered.countDown();
            await(open);
          });
    }

    void awaitEntered() {
      await(entered);
    }

    void open() {
      open.countDown();
    }

    private static void await(CountDownLatch latch) {
      try {
        assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private CompletableFuture<float[]> stepLater(RemoteStage stage, Sequence sequence) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return ToyServer.step(stage, sequence, 0, rows, 3, RowKind.GENERATED, 1);
          } catch (IOException e) {
            throw new CompletionException(e);
          }
        },
        THREADS);
  }

  private static void awaitNoSequences(ToyServer toy) throws InterruptedException {
    while (toy.server.activeSequences() > 0 || toy.model.openSequences() > 0) {
      Thread.sleep(1); // the test's timeout guards it
    }
  }

  private static ConnectionOptions quickPings() {
    return new ConnectionOptions(
        Duration.ofSeconds(60),
        Duration.ofSeconds(60),
        Duration.ofSeconds(60),
        Duration.ofSeconds(1));
  }

  private static void assertOneLine(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IOException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts).doesNotContain("\n"));
  }

  @Test
  void aClientKilledMidAnswerLosesItsSequences() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort());
        RawClient client = new RawClient(toy.uri())) {
      Opened opened = client.open();
      client.open();
      assertThat(toy.server.activeSequences()).isEqualTo(2);
      Gate gate = new Gate(toy.model);
      for (int i = 0; i < 4; i++) {
        client.send(RawClient.frame(client.step(opened, i, 1)));
      }
      gate.awaitEntered();
      client.abort();
      while (toy.server.activeConnections() > 0) {
        Thread.sleep(1);
      }
      gate.open();
      awaitNoSequences(toy);
    }
  }

  /**
   * In one of some hundred runs on a busy machine the JDK's client (17.0.15) does not notice that a
   * young connection has ended; the unanswered pings then tell.
   */
  @Test
  void aServerKilledMidAnswerIsAClearError() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort());
        CutWire wire = new CutWire(toy.server.port());
        ServerConnection connection = ServerConnection.connect(wire.uri(), quickPings())) {
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      Sequence sequence = stage.openSequence(10);
      Gate gate = new Gate(toy.model);
      CompletableFuture<float[]> step = stepLater(stage, sequence);
      gate.awaitEntered();
      wire.cut();
      String peer = "127.0.0.1:" + wire.uri().getPort();
      assertThatThrownBy(step::join)
          .cause()
          .isInstanceOf(IOException.class)
          .hasMessageMatching(
              "the server at "
                  + peer
                  + " (closed the connection \\(.*\\); start it or check the"
                  + " address|no longer answers)");
      assertOneLine(() -> stage.openSequence(10), "the server at " + peer);
      sequence.close();
      gate.open();
      awaitNoSequences(toy);
    }
  }

  @Test
  void aServerThatShutsDownFinishesStepsUnderWay() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort(10_000, 60_000, 0));
        ServerConnection connection = toy.connect()) {
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      Sequence sequence = stage.openSequence(10);
      Gate gate = new Gate(toy.model);
      CompletableFuture<float[]> step = stepLater(stage, sequence);
      gate.awaitEntered();
      CompletableFuture<Void> closing = CompletableFuture.runAsync(toy::close, THREADS);
      gate.open();
      assertThat(step.join()).hasSize(D);
      closing.join();
      assertThat(toy.model.openSequences()).isZero();
      assertOneLine(() -> stage.openSequence(10), "closed the connection", "shutting down");
    }
  }

  @Test
  void silentServersAndClientsAreGivenUp() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort(PING.toMillis(), 1_000, 0));
        CutWire wire = new CutWire(toy.server.port());
        ServerConnection connection = ServerConnection.connect(wire.uri(), pingEvery(PING))) {
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      Sequence sequence = stage.openSequence(10);
      Thread.sleep(5 * PING.toMillis());
      assertThat(toy.server.activeSequences()).as("idle, but alive").isEqualTo(1);
      ToyServer.step(stage, sequence, 0, rows, 1, RowKind.GENERATED, 1);
      wire.goSilent();
      assertOneLine(
          () -> ToyServer.step(stage, sequence, 1, rows, 1, RowKind.GENERATED, 1),
          "no longer answers");
      awaitNoSequences(toy);
    }
  }

  @Test
  void aClientThatDoesNotReadIsHeldBackAndGivenUp() throws Exception {
    int vocab = 1 << 20; // a result of 4 MiB
    try (ToyServer toy = new ToyServer(anyPort(300, 1_000, 0), new ToyProvider(C, D, vocab, 100));
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), toy.server.port())) {
      OutputStream out = socket.getOutputStream();
      out.write(RawClient.UPGRADE.getBytes(StandardCharsets.US_ASCII));
      StringBuilder received = new StringBuilder();
      receiveUntil(socket, received, "\r\n\r\n");
      String open = ControlCodec.encodeClient(RawClient.openMessage(1, 0, Output.LOGITS, 100));
      writeFrame(out, 1, open.getBytes(StandardCharsets.UTF_8));
      receiveUntil(socket, received, "}}");
      int epoch =
          Integer.parseInt(received.toString().replaceAll("(?s).*\"epoch\":(\\d+).*", "$1"));
      for (int i = 0; i < 4; i++) {
        FrameHeader step =
            new FrameHeader(
                FrameKind.STEP, RowType.F32, true, false, epoch, i + 1, 1, i, 1, D, 0, 1);
        writeFrame(out, 2, RawClient.frame(step));
      }
      // It pings all the time, so that only what it does not read gives it away.
      assertThatThrownBy(
              () -> {
                while (true) {
                  writeFrame(out, 9, new byte[0]);
                  writeFrame(
                      out,
                      1,
                      ControlCodec.encodeClient(new InfoRequest(1, false))
                          .getBytes(StandardCharsets.UTF_8));
                  Thread.sleep(1);
                }
              })
          .isInstanceOf(IOException.class);
      awaitNoSequences(toy);
      while (toy.server.activeConnections() > 0) {
        Thread.sleep(1);
      }
    }
  }

  private static void receiveUntil(Socket socket, StringBuilder received, String end)
      throws IOException {
    while (!received.toString().endsWith(end)) {
      received.append((char) socket.getInputStream().read());
    }
  }

  /** A masked frame; the mask is 0. */
  private static void writeFrame(OutputStream out, int opcode, byte[] payload) throws IOException {
    java.io.ByteArrayOutputStream frame = new java.io.ByteArrayOutputStream();
    frame.write(0x80 | opcode);
    if (payload.length < 126) {
      frame.write(0x80 | payload.length);
    } else {
      frame.write(0x80 | 126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    }
    frame.writeBytes(new byte[4]);
    frame.writeBytes(payload);
    out.write(frame.toByteArray());
  }

  @Test
  void aStepThatTakesTooLongIsGivenUpAndTheSequenceRecovers() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort());
        ServerConnection connection =
            ServerConnection.connect(
                toy.uri(), ConnectionOptions.defaults().withStepTimeout(Duration.ofSeconds(2)))) {
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      Sequence sequence = stage.openSequence(10);
      Gate gate = new Gate(toy.model);
      assertOneLine(
          () -> ToyServer.step(stage, sequence, 0, rows, 3, RowKind.GENERATED, 1),
          "no answer from 127.0.0.1:" + toy.server.port() + " within 2000 ms");
      assertThat(sequence.length()).isZero();
      gate.open();
      assertThat(ToyServer.step(stage, sequence, 0, rows, 3, RowKind.GENERATED, 1)).hasSize(D);
      assertThat(sequence.length()).isEqualTo(3);
    }
  }

  @Test
  void aSequenceOpenedTooLateIsGivenBack() throws Exception {
    ConnectionOptions impatient =
        new ConnectionOptions(
            Duration.ofSeconds(60),
            Duration.ofMillis(1),
            Duration.ofSeconds(60),
            Duration.ofSeconds(10));
    try (ToyServer toy = new ToyServer(anyPort());
        ServerConnection patient = toy.connect();
        ServerConnection connection = ServerConnection.connect(toy.uri(), impatient)) {
      RemoteStage busy = toy.stage(patient, 0, Output.HIDDEN);
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      Sequence sequence = busy.openSequence(10);
      Gate gate = new Gate(toy.model);
      CompletableFuture<float[]> step = stepLater(busy, sequence);
      gate.awaitEntered();
      assertOneLine(() -> stage.openSequence(10), "no answer from", "within 1 ms");
      gate.open();
      step.join();
      while (toy.server.activeSequences() != 1) {
        Thread.sleep(1); // the test's timeout guards it
      }
      sequence.close();
      awaitNoSequences(toy);
    }
  }

  @Test
  void fullServersSaySo() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort().withMaxConnections(1).withSequences(1, 50));
        ServerConnection connection = toy.connect()) {
      assertOneLine(toy::connect, "is full or shutting down");
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      assertThat(connection.models().get(0).offered().maxSeq()).isEqualTo(50);
      Sequence sequence = stage.openSequence(10);
      assertOneLine(() -> stage.openSequence(10), "all 1 sequences are in use", "(capacity)");
      sequence.close();
      awaitNoSequences(toy);
      stage.openSequence(50).close();
    }
  }
}
