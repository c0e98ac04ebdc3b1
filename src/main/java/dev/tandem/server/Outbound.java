package dev.tandem.server;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import java.nio.ByteBuffer;

/**
 * The way out of a connection. Long messages go as fragments, so that each one written is a sign of
 * life of a slow reader; when more than {@value #MAX_QUEUED_BYTES} bytes wait, the owner is told to
 * produce no more. It belongs to the event loop.
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
   * @param onFull when too much waits
   * @param onDrained when that is over
   * @param onProgress when something was written
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

  /** Asks for a sign of life. That it was sent is none: the system takes it for a dead peer too. */
  void ping() {
    if (!socket.isClosed()) {
      var unused = socket.writeFrame(WebSocketFrame.pingFrame(Buffer.buffer()));
    }
  }

  /** Sends all that remains in the buffer. */
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
