package dev.tandem.server;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import java.nio.ByteBuffer;

/**
 * The output of a connection. Long messages go as fragments, so that each written fragment shows
 * that a slow reader is alive. When more than {@value #MAX_QUEUED_BYTES} bytes wait, the owner must
 * produce no more. Only the event loop uses it.
 */
final class Outbound {
  private static final int MAX_QUEUED_BYTES = 1 << 20;
  private static final int FRAGMENT_BYTES = 1 << 18;

  private final ServerWebSocket socket;
  private final Runnable onFull;
  private final Runnable onProgress;

  /**
   * Sets the socket's handlers.
   *
   * @param onFull called when too many bytes wait
   * @param onDrained called when they have been sent
   * @param onProgress called when something was written
   */
  Outbound(ServerWebSocket socket, Runnable onFull, Runnable onDrained, Runnable onProgress) {
    this.socket = socket;
    this.onFull = onFull;
    this.onProgress = onProgress;
    socket.setWriteQueueMaxSize(MAX_QUEUED_BYTES);
    socket.drainHandler(v -> onDrained.run());
  }

  void text(String text) {
    write(WebSocketFrame.textFrame(text, true));
  }

  /**
   * Sends a ping. A sent ping shows nothing about the peer: the system accepts it for a dead peer,
   * too.
   */
  void ping() {
    if (!socket.isClosed()) {
      var unused = socket.writeFrame(WebSocketFrame.pingFrame(Buffer.buffer()));
    }
  }

  /** Sends all remaining bytes of the buffer. */
  void binary(ByteBuffer message) {
    boolean first = true;
    while (message.hasRemaining()) {
      byte[] bytes = new byte[Math.min(FRAGMENT_BYTES, message.remaining())];
      message.get(bytes);
      Buffer part = Buffer.buffer(bytes);
      boolean last = !message.hasRemaining();
      write(
          first
              ? WebSocketFrame.binaryFrame(part, last)
              : WebSocketFrame.continuationFrame(part, last));
      first = false;
    }
  }

  private void write(WebSocketFrame frame) {
    if (socket.isClosed()) {
      return;
    }
    socket.writeFrame(frame).onSuccess(v -> onProgress.run());
    if (socket.writeQueueFull()) {
      onFull.run();
    }
  }
}
