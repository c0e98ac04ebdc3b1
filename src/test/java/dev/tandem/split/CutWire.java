package dev.tandem.split;

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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A wire between a client and a server that can be cut, as a killed process does, or go silent. */
final class CutWire implements AutoCloseable {
  private final ServerSocket listener;
  private final int target;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private volatile boolean silent;
  private final AtomicInteger connections = new AtomicInteger();
  private volatile int silenced;
  private volatile CountDownLatch held = new CountDownLatch(0);
  private volatile String told = "";
  private volatile String tells = "";

  CutWire(int target) throws IOException {
    this.target = target;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "wire");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket near = listener.accept();
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        sockets.add(near);
        sockets.add(far);
        int number = connections.incrementAndGet();
        start(() -> pump(near, far, number, false));
        start(() -> pump(far, near, number, true));
      }
    } catch (IOException e) {
      cut();
    }
  }

  private boolean isSilent(int number) {
    return silent || number <= silenced;
  }

  private void pump(Socket from, Socket to, int number, boolean fromServer) {
    byte[] buffer = new byte[8192];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        awaitRelease();
        if (!isSilent(number)) {
          String text = new String(buffer, 0, n, StandardCharsets.ISO_8859_1);
          String sent = fromServer && !told.isEmpty() ? text.replace(told, tells) : text;
          out.write(sent.getBytes(StandardCharsets.ISO_8859_1));
        }
      }
    } catch (IOException e) {
      // cut: both ends are closed below
    }
    close(from);
    if (!isSilent(number)) { // else the other end is to find out by itself
      close(to);
    }
  }

  private void awaitRelease() {
    try {
      held.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Delivers nothing until {@link #release}, and loses nothing: a link that is down for a while.
   */
  void hold() {
    held = new CountDownLatch(1);
  }

  void release() {
    held.countDown();
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  URI uri() {
    return URI.create("ws://127.0.0.1:" + listener.getLocalPort() + "/v1/split");
  }

  /**
   * Changes a text that the server sends.
   *
   * @param to as long as {@code from}, because the length of a message is not changed
   */
  void replace(String from, String to) {
    told = from;
    tells = to;
  }

  /** Drops everything from now on, without a notice. */
  void goSilent() {
    silent = true;
  }

  /** Drops everything of the connections that are open, without a notice; new ones work. */
  void silenceOpenOnes() {
    silenced = connections.get();
  }

  /** Ends all connections without a WebSocket's goodbye. */
  void cut() {
    sockets.forEach(CutWire::close);
  }

  @Override
  public void close() throws IOException {
    listener.close();
    cut();
  }
}
