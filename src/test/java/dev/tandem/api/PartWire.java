package dev.tandem.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A wire to a server that counts what downloads of parts carry, and can cut or damage it. */
final class PartWire implements AutoCloseable {
  private static final int NEVER = Integer.MAX_VALUE;

  private final ServerSocket listener;
  private final int target;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final AtomicLong partBytes = new AtomicLong();
  private final AtomicInteger gets = new AtomicInteger();
  private volatile long cutAt = NEVER;
  private volatile long flipAt = NEVER;

  PartWire(ModelServer server) throws IOException {
    this.target = URI.create(server.uri()).getPort();
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "wire");
    thread.setDaemon(true);
    thread.start();
  }

  URI uri() {
    return URI.create("ws://127.0.0.1:" + listener.getLocalPort() + "/v1/split");
  }

  /** Bytes of answers to {@code GET /v1/part}, with their headers. */
  long partBytes() {
    return partBytes.get();
  }

  /** Requests {@code GET /v1/part}. */
  int gets() {
    return gets.get();
  }

  /** Cuts the next download once, when downloads have carried so many bytes in all. */
  void cutAt(long bytes) {
    cutAt = bytes;
  }

  /** Damages one byte of the next download, counted from the beginning of its answer. */
  void flipAt(long offset) {
    flipAt = offset;
  }

  private void accept() {
    try {
      while (true) {
        Socket near = listener.accept();
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        sockets.add(near);
        sockets.add(far);
        start(() -> serve(near, far));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void serve(Socket near, Socket far) {
    try {
      byte[] buffer = new byte[8192];
      int n = near.getInputStream().read(buffer);
      boolean part =
          new String(buffer, 0, Math.max(0, n), StandardCharsets.US_ASCII)
              .startsWith("GET /v1/part");
      if (part) {
        gets.incrementAndGet();
      }
      far.getOutputStream().write(buffer, 0, Math.max(0, n));
      start(() -> pump(far, near, part));
      pump(near, far, false);
    } catch (IOException e) {
      close(near);
      close(far);
    }
  }

  private void pump(Socket from, Socket to, boolean part) {
    byte[] buffer = new byte[8192];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      long at = 0;
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        if (part) {
          if (flipAt >= at && flipAt < at + n) {
            buffer[(int) (flipAt - at)] ^= 1;
            flipAt = NEVER;
          }
          if (partBytes.addAndGet(n) >= cutAt) {
            cutAt = NEVER;
            break;
          }
        }
        at += n;
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      // the other end is gone
    }
    close(from);
    close(to);
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    sockets.forEach(PartWire::close);
  }
}
