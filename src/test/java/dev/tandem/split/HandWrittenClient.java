package dev.tandem.split;

import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameLimits;
import dev.tandem.protocol.ProtocolException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A WebSocket client on a plain socket: it comes from any loopback address, sends what no library
 * would send, and reads only when the test wants it.
 */
final class HandWrittenClient implements AutoCloseable {
  private static final int TEXT = 1;
  private static final int BINARY = 2;
  private static final int CLOSE = 8;
  private static final FrameLimits LIMITS = new FrameLimits(1 << 10, 1 << 22);

  /** Waits for an answer; a guard against hanging only. */
  private static final int GUARD_MILLIS = 60_000;

  private final Socket socket = new Socket();
  private final InputStream in;

  /**
   * Connects.
   *
   * @param from the last number of the loopback address that it comes from
   * @param receiveBytes what the system keeps unread at most
   */
  HandWrittenClient(int from, int port, int receiveBytes) throws IOException {
    socket.setReceiveBufferSize(receiveBytes);
    socket.bind(
        new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) from}), 0));
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket.setSoTimeout(GUARD_MILLIS);
    in = new BufferedInputStream(socket.getInputStream());
  }

  Socket socket() {
    return socket;
  }

  void write(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
  }

  static byte[] handshake(String... headers) {
    String more = String.join("", Arrays.stream(headers).map(h -> "\r\n" + h).toList());
    return RawClient.UPGRADE
        .replace("Host: x", "Host: x" + more)
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** Asks for a WebSocket: the HTTP status. */
  int upgrade(String... headers) throws IOException {
    write(handshake(headers));
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the connection ended within the head: " + head);
      }
      head.append((char) next);
    }
    return Integer.parseInt(head.substring(9, 12)); // behind HTTP/1.1
  }

  void send(String text) throws IOException {
    frame(TEXT, text.getBytes(StandardCharsets.UTF_8));
  }

  void send(byte[] bytes) throws IOException {
    frame(BINARY, bytes);
  }

  /** A masked frame; the mask is 0. */
  private void frame(int opcode, byte[] payload) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.write(0x80 | opcode);
    if (payload.length < 126) {
      out.write(0x80 | payload.length);
    } else if (payload.length < 1 << 16) {
      out.write(0x80 | 126);
      out.writeShort(payload.length);
    } else {
      out.write(0x80 | 127);
      out.writeLong(payload.length);
    }
    out.writeInt(0);
    out.write(payload);
    write(bytes.toByteArray());
  }

  private byte[] read(int n) throws IOException {
    byte[] bytes = in.readNBytes(n);
    if (bytes.length < n) {
      throw new IOException("the connection ended within a frame");
    }
    return bytes;
  }

  /** The next message, or {@link RawClient.Closed}; pings are not answered. */
  Object next() throws IOException {
    ByteArrayOutputStream message = new ByteArrayOutputStream();
    boolean text = false;
    while (true) {
      int first = in.read();
      if (first < 0) {
        return new RawClient.Closed(0, "");
      }
      int length = read(1)[0] & 0x7f;
      if (length == 126) {
        length = ByteBuffer.wrap(read(2)).getShort() & 0xffff;
      } else if (length == 127) {
        length = Math.toIntExact(ByteBuffer.wrap(read(8)).getLong());
      }
      byte[] payload = read(length);
      int opcode = first & 0xf;
      if (opcode == CLOSE) {
        int status = length < 2 ? 0 : ByteBuffer.wrap(payload).getShort() & 0xffff;
        return new RawClient.Closed(status, "");
      }
      if (opcode <= BINARY) {
        text |= opcode == TEXT;
        message.writeBytes(payload);
        if ((first & 0x80) != 0) {
          return decoded(message.toByteArray(), text);
        }
      }
    }
  }

  private static Object decoded(byte[] message, boolean text) throws IOException {
    try {
      return text
          ? ControlCodec.decodeServer(new String(message, StandardCharsets.UTF_8))
          : FrameCodec.decodeAnswer(ByteBuffer.wrap(message), LIMITS);
    } catch (ProtocolException e) {
      throw new IOException("the server sent what is not of the protocol", e);
    }
  }

  /** Everything up to the end of the connection. */
  byte[] rest() throws IOException {
    return in.readAllBytes();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
