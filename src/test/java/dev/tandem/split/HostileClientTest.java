package dev.tandem.split;

import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameKind;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.WireProfile;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(900)
class HostileClientTest {
  private static final int MAX_SEQUENCES = 6;
  private static final int MAX_STEP = FrameHeader.messageBytes(C, D);

  private ToyServer toy;
  private Bystander bystander;

  @BeforeEach
  void start() throws IOException {
    ServerOptions options = anyPort().withSequences(MAX_SEQUENCES, ToyServer.MAX_SEQ);
    toy = new ToyServer(options.withTimes(options.times().withQueue(Duration.ZERO)));
    bystander = new Bystander(toy);
  }

  @AfterEach
  void othersWentOnAndNothingIsLeft() throws Exception {
    bystander.assertAlive();
    bystander.close();
    while (toy.server.activeConnections() > 0) {
      Thread.sleep(1);
    }
    while (toy.server.activeSequences() > 0) {
      Thread.sleep(1);
    }
    assertThat(toy.model.openSequences()).isZero();
    toy.close();
  }

  private RawClient client() {
    return new RawClient(toy.uri());
  }

  private static byte[] changed(byte[] frame, int at, int value) {
    byte[] result = frame.clone();
    result[at] = (byte) value;
    return result;
  }

  @Test
  void malformedTextGetsAnErrorAndIsClosed() throws Exception {
    for (String text :
        new String[] {
          "", "{", "null", "{\"type\":\"opened\"}", "{\"type\":\"open\",\"version\":1}"
        }) {
      try (RawClient client = client()) {
        client.send(text);
        client.assertError(ErrorCode.PROTOCOL);
        client.assertClosed(1002);
      }
    }
    try (RawClient client = client()) {
      client.send("{\"type\":\"info\",\"version\":3,\"request\":1}");
      client.assertError(ErrorCode.VERSION);
      client.assertClosed(1002);
    }
  }

  @Test
  void longMessagesGetAnErrorAndAreClosed() throws Exception {
    try (RawClient client = client()) {
      client.send("x".repeat(17_000));
      client.assertError(ErrorCode.TOO_LONG);
      client.assertClosed(1009);
    }
    try (RawClient client = client()) {
      client.send(new byte[MAX_STEP + 1]);
      client.assertError(ErrorCode.TOO_LONG);
      client.assertClosed(1009);
    }
    try (RawClient client = client()) {
      byte[] fragment = new byte[MAX_STEP / 2];
      for (int i = 0; i < 3; i++) {
        client.send(fragment, 0, fragment.length, false);
      }
      client.assertError(ErrorCode.TOO_LONG);
      client.assertClosed(1009);
    }
    try (RawClient client = client()) {
      client.send(new byte[MAX_STEP + 100_000]);
      assertThat(client.next()).isInstanceOf(RawClient.Closed.class);
    }
  }

  @Test
  void fragmentsOfAGoodMessageArePutTogether() throws Exception {
    try (RawClient client = client()) {
      byte[] frame = RawClient.frame(client.step(client.open(), 0, 5));
      for (int at = 0; at < frame.length; at += 7) {
        int length = Math.min(7, frame.length - at);
        client.send(frame, at, length, at + length == frame.length);
      }
      assertThat(client.next()).isInstanceOf(Result.class);
    }
  }

  @Test
  void brokenFramesGetAnErrorAndAreClosed() throws Exception {
    try (RawClient client = client()) {
      Opened never =
          new Opened(
              1, 1, 1, "", WireProfile.ANY, SequenceLimits.of(C, D, D, 200), Optional.empty());
      client.send(RawClient.frame(client.step(never, 0, 1)));
      client.assertError(ErrorCode.PROTOCOL);
      client.assertClosed(1002);
    }
    for (int cut : new int[] {0, 1, 47, 48, 51}) {
      try (RawClient client = client()) {
        client.send(Arrays.copyOf(RawClient.frame(client.step(client.open(), 0, 1)), cut));
        client.assertError(ErrorCode.PROTOCOL);
        client.assertClosed(1002);
      }
    }
    int[][] changes = {{0, 'X'}, {5, 2}, {6, 2}, {7, 9}, {8, 7}, {12, 0x55}, {32, 1}, {44, 1}};
    for (int[] change : changes) {
      try (RawClient client = client()) {
        byte[] frame = RawClient.frame(client.step(client.open(), 0, 1));
        client.send(changed(frame, change[0], frame[change[0]] ^ change[1]));
        client.assertError(ErrorCode.PROTOCOL);
        client.assertClosed(1002);
      }
    }
    try (RawClient client = client()) {
      client.send(changed(RawClient.frame(client.step(client.open(), 0, 1)), 4, 2));
      client.assertError(ErrorCode.VERSION);
      client.assertClosed(1002);
    }
  }

  @Test
  void whatCannotBeHadIsRefusedAndTheConnectionLivesOn() throws Exception {
    try (RawClient client = client()) {
      Open good = client.openMessage(0, Output.HIDDEN, 200);
      refused(client, ErrorCode.MODEL, "\"layers\"", "\"model\":\"beef\",\"layers\"", good);
      refused(client, ErrorCode.LAYERS, "[0,4]", "[0,5]", good);
      refused(client, ErrorCode.LAYERS, "[0,4]", "[4,9]", good);
      refused(client, ErrorCode.PROFILE, "\"profile\":{", "\"profile\":{\"mode\":\"other\"", good);
      refused(client, ErrorCode.LIMIT, "200", "401", good);
      // The bystander opens and closes one sequence all the time, so the client may get one more.
      for (int i = 0; i < MAX_SEQUENCES - 1; i++) {
        client.open();
      }
      client.send(ControlCodec.encodeClient(good));
      Object answer = client.next();
      if (answer instanceof Opened) {
        client.send(ControlCodec.encodeClient(good));
        answer = client.next();
      }
      assertThat(answer)
          .isInstanceOfSatisfying(
              ErrorMessage.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CAPACITY));
      client.send(ControlCodec.encodeClient(new CloseSequence(1)));
      assertThat(client.next()).isEqualTo(new CloseSequence(1));
      client.send(ControlCodec.encodeClient(new CloseSequence(1)));
      client.assertError(ErrorCode.UNKNOWN_SEQUENCE);
      client.send(ControlCodec.encodeClient(new CloseSequence(2)));
      client.next();
      client.send(ControlCodec.encodeClient(new CloseSequence(3)));
      client.next();
      client.send(ControlCodec.encodeClient(new InfoRequest(5, true)));
      assertThat(client.next()).isInstanceOf(Info.class);
    }
  }

  private static void refused(
      RawClient client, ErrorCode code, String part, String replacement, Open good)
      throws InterruptedException {
    String text = ControlCodec.encodeClient(good);
    assertThat(text).contains(part);
    client.send(text.replace(part, replacement));
    assertThat(client.next())
        .isInstanceOfSatisfying(
            ErrorMessage.class,
            error -> {
              assertThat(error.code()).isEqualTo(code);
              assertThat(error.request()).isEqualTo(good.request());
            });
  }

  @Test
  void stepsThatDoNotFitAreRefusedAndTheSequenceLivesOn() throws Exception {
    try (RawClient client = client();
        RawClient other = client()) {
      Opened opened = client.open();
      other.open();
      Opened second = other.open();

      client.send(RawClient.frame(client.step(opened, 1, 1)));
      client.assertError(ErrorCode.POSITION);
      FrameHeader step = client.step(opened, 0, 1);
      client.send(
          RawClient.frame(
              new FrameHeader(
                  FrameKind.STEP,
                  RowType.F32,
                  false,
                  false,
                  opened.epoch(),
                  step.request(),
                  opened.sequence(),
                  0,
                  5,
                  D,
                  0,
                  0)));
      client.assertError(ErrorCode.POSITION);
      client.send(
          RawClient.frame(
              new FrameHeader(
                  FrameKind.STEP,
                  RowType.F16, // the sequence was opened for f32
                  true,
                  false,
                  opened.epoch(),
                  client.step(opened, 0, 1).request(),
                  opened.sequence(),
                  0,
                  1,
                  D,
                  0,
                  0)));
      client.assertError(ErrorCode.UNSUPPORTED);
      client.send(RawClient.frame(client.step(opened, 190, 11)));
      client.assertError(ErrorCode.LIMIT);

      // A sequence of another connection, with its own epoch and with this connection's.
      client.send(
          RawClient.frame(
              client.step(
                  new Opened(
                      1,
                      second.sequence(),
                      opened.epoch(),
                      "",
                      opened.profile(),
                      opened.limits(),
                      Optional.empty()),
                  0,
                  1)));
      client.assertError(ErrorCode.UNKNOWN_SEQUENCE);

      client.send(RawClient.frame(client.step(opened, 0, 3)));
      assertThat(client.next()).isInstanceOf(Result.class);
      client.send(RawClient.frame(client.step(second, 0, 1)));
      client.assertError(ErrorCode.PROTOCOL);
      client.assertClosed(1002);
      other.send(RawClient.frame(other.step(second, 0, 1)));
      assertThat(other.next()).isInstanceOf(Result.class);
    }
  }

  @Test
  void moreThanFourStepsAtOnceAreRefused() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    try (RawClient client = client()) {
      Opened opened = client.open();
      bystander.assertAlive();
      toy.model.onStep(
          batch -> {
            try {
              gate.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      for (int i = 0; i < 5; i++) {
        client.send(RawClient.frame(client.step(opened, i, 1)));
      }
      client.assertError(ErrorCode.LIMIT);
      gate.countDown();
      for (int i = 0; i < 4; i++) {
        assertThat(client.next()).isInstanceOf(Result.class);
      }
      client.send(RawClient.frame(client.step(opened, 4, 1)));
      client.assertError(ErrorCode.POSITION);
      client.send(RawClient.frame(client.step(opened, 0, 1)));
      assertThat(client.next()).isInstanceOf(Result.class);
    }
  }

  @Test
  void garbageBelowTheProtocolIsShutOut() throws Exception {
    byte[][] afterwards = {
      {(byte) 0x82, 0x05, 1, 2, 3, 4, 5}, // not masked
      {(byte) 0x83, (byte) 0x80, 0, 0, 0, 0}, // reserved opcode
      {(byte) 0xc2, (byte) 0x80, 0, 0, 0, 0}, // reserved bit
      {(byte) 0x80, (byte) 0x80, 0, 0, 0, 0}, // a continuation of nothing
      {(byte) 0x09, (byte) 0x80, 0, 0, 0, 0}, // a fragmented ping
      {(byte) 0x82, (byte) 0xff, 0x7f, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0}, // 2^63 - 1 bytes
      {(byte) 0x81, (byte) 0x82, 0, 0, 0, 0, (byte) 0xc3, 0x28} // not UTF-8
    };
    for (byte[] garbage : afterwards) {
      StringBuilder response = new StringBuilder();
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), toy.server.port())) {
        socket.setSoTimeout(30_000);
        socket.getOutputStream().write(RawClient.UPGRADE.getBytes(StandardCharsets.US_ASCII));
        while (!response.toString().endsWith("\r\n\r\n")) {
          response.append((char) socket.getInputStream().read());
        }
        socket.getOutputStream().write(garbage);
        assertEnds(socket.getInputStream());
      }
    }
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), toy.server.port())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write("\0\1\2 nonsense\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      assertEnds(socket.getInputStream());
    }
  }

  private static void assertEnds(InputStream in) throws IOException {
    byte[] sink = new byte[4096];
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    try {
      while (in.read(sink) >= 0) {
        assertThat(System.nanoTime()).as("the connection ends").isLessThan(deadline);
      }
    } catch (java.net.SocketException e) {
      assertThat(e).hasMessageContaining("reset");
    }
  }
}
