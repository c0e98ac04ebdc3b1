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

  void ping() {
    write(WebSocketFrame.pingFrame(Buffer.buffer()));
  }

  /** Sends all of an array-backed buffer. */
  void binary(ByteBuffer message) {
    byte[] bytes = message.array();
    for (int at = 0; at < bytes.length; at += FRAGMENT_BYTES) {
      int length = Math.min(FRAGMENT_BYTES, bytes.length - at);
      Buffer part = Buffer.buffer(length).appendBytes(bytes, at, length);
      boolean last = at + length == bytes.length;
      write(
          at == 0
              ? WebSocketFrame.binaryFrame(part, last)
              : WebSocketFrame.continuationFrame(part, last));
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
