package dev.tandem.split;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameKind;
import dev.tandem.protocol.FrameLimits;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.protocol.WireProfile;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import dev.tandem.stage.Span;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A client that sends any message, and returns the answers. */
final class RawClient implements AutoCloseable, WebSocket.Listener {
  /** The opening handshake, for tests that write frames by hand. */
  static final String UPGRADE =
      String.join(
          "\r\n",
          "GET /v1/split HTTP/1.1",
          "Host: x",
          "Upgrade: websocket",
          "Connection: Upgrade",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          "Sec-WebSocket-Version: 13",
          "",
          "");

  static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final FrameLimits LIMITS = new FrameLimits(1 << 10, 1 << 22);

  /** The connection was closed. */
  record Closed(int status, String reason) {}

  private final LinkedBlockingQueue<Object> inbox = new LinkedBlockingQueue<>();
  private final StringBuilder text = new StringBuilder();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final WebSocket socket;
  private boolean broken;
  private int lastRequest;

  RawClient(URI uri) {
    socket = HTTP.newWebSocketBuilder().buildAsync(uri, this).join();
  }

  RawClient(URI uri, String apiKey) {
    socket =
        HTTP.newWebSocketBuilder()
            .header("Authorization", "Bearer " + apiKey)
            .buildAsync(uri, this)
            .join();
  }

  /** An API key as it stands in the file of keys. */
  static String sha256(String key) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Ends the connection as RFC 6455 wants it. */
  void sayGoodbye() {
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
  }

  /** Whether nothing came within a time in which an answer comes. */
  boolean isSilent() throws InterruptedException {
    return inbox.poll(200, TimeUnit.MILLISECONDS) == null;
  }

  void send(String message) {
    try {
      socket.sendText(message, true).join();
    } catch (RuntimeException e) {
      broken = true; // closed by the server: the inbox says why
    }
  }

  void send(byte[] message) {
    send(message, 0, message.length, true);
  }

  void send(byte[] message, int at, int length, boolean last) {
    try {
      socket.sendBinary(ByteBuffer.wrap(message, at, length), last).join();
    } catch (RuntimeException e) {
      broken = true; // closed by the server: the inbox says why
    }
  }

  boolean isBroken() {
    return broken;
  }

  /** The next thing that came: a ServerMessage, or Closed. */
  Object next() throws InterruptedException {
    Object next = inbox.poll(30, TimeUnit.SECONDS);
    assertThat(next).as("an answer within 30 s").isNotNull();
    return next;
  }

  int nextRequest() {
    return ++lastRequest;
  }

  Open openMessage(int begin, Output output, int maxPositions) {
    return openMessage(nextRequest(), begin, output, maxPositions);
  }

  static Open openMessage(int request, int begin, Output output, int maxPositions) {
    return new Open(
        request,
        "",
        new Span(begin, 4, output),
        RowType.F32,
        RowType.F32,
        maxPositions,
        WireProfile.ANY);
  }

  Opened open() throws InterruptedException {
    send(ControlCodec.encodeClient(openMessage(0, Output.HIDDEN, 200)));
    return (Opened) next();
  }

  /** A step of generated rows, the last of them requested. */
  FrameHeader step(Opened opened, int position, int rows) {
    return new FrameHeader(
        FrameKind.STEP,
        RowType.F32,
        true,
        false,
        opened.epoch(),
        nextRequest(),
        opened.sequence(),
        position,
        rows,
        ToyServer.D,
        rows - 1,
        1);
  }

  static byte[] frame(FrameHeader header) {
    return FrameCodec.encode(header, FloatBuffer.allocate(header.rows() * header.columns()))
        .array();
  }

  void assertError(ErrorCode code) throws InterruptedException {
    assertThat(next())
        .isInstanceOfSatisfying(
            ErrorMessage.class, error -> assertThat(error.code()).isEqualTo(code));
  }

  void assertClosed(int status) throws InterruptedException {
    assertThat(next())
        .isInstanceOfSatisfying(
            Closed.class, closed -> assertThat(closed.status()).isEqualTo(status));
  }

  void abort() {
    socket.abort();
  }

  @Override
  public void close() {
    socket.abort();
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
    text.append(data);
    if (last) {
      try {
        inbox.add(ControlCodec.decodeServer(text.toString()));
      } catch (ProtocolException e) {
        inbox.add(e);
      }
      text.setLength(0);
    }
    webSocket.request(1);
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onBinary(WebSocket webSocket, ByteBuffer data, boolean last) {
    byte[] part = new byte[data.remaining()];
    data.get(part);
    bytes.writeBytes(part);
    if (last) {
      try {
        ServerMessage message =
            FrameCodec.decodeAnswer(ByteBuffer.wrap(bytes.toByteArray()), LIMITS);
        inbox.add(message);
      } catch (ProtocolException e) {
        inbox.add(e);
      }
      bytes.reset();
    }
    webSocket.request(1);
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onClose(WebSocket webSocket, int status, String reason) {
    inbox.add(new Closed(status, reason));
    return null;
  }

  @Override
  public void onError(WebSocket webSocket, Throwable error) {
    inbox.add(new Closed(0, error.toString()));
  }
}
