package dev.tandem.split;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A wire between clients and a server that breaks again and again, in ways that follow from a seed:
 * it delays and splits what it carries, and after a random number of bytes it cuts both directions,
 * goes silent forever, closes one direction only, or holds everything back and delivers it late:
 * after the client has given the connection up, and a new one carries its steps.
 */
public final class ChaosWire implements AutoCloseable {
  /** How a connection ends. */
  private enum End {
    CUT,
    SILENCE,
    HALF_CLOSE,
    LATE
  }

  private static final int MAX_PIECE = 4096;

  /** Longer than clients with a short ping interval need to give a silent connection up. */
  private static final int LATE_MILLIS = 1500;

  private final ServerSocket listener;
  private final int target;
  private final Random random;
  private final int meanBytes;
  private final AtomicInteger breaks = new AtomicInteger();
  private final AtomicInteger left;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();

  /**
   * @param target port of the server
   * @param meanBytes what a connection carries on average before it breaks
   * @param maxBreaks connections that break; later ones last
   */
  public ChaosWire(int target, long seed, int meanBytes, int maxBreaks) throws IOException {
    this.target = target;
    this.random = new Random(seed);
    this.meanBytes = meanBytes;
    left = new AtomicInteger(maxBreaks);
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "chaos");
    thread.setDaemon(true);
    thread.start();
  }

  /** The address for clients. */
  public URI uri() {
    return URI.create("ws://127.0.0.1:" + listener.getLocalPort() + "/v1/split");
  }

  /** Connections that have broken. */
  public int breaks() {
    return breaks.get();
  }

  private void accept() {
    try {
      while (true) {
        Socket near = listener.accept();
        sockets.add(near);
        Socket far;
        try {
          far = new Socket(InetAddress.getLoopbackAddress(), target);
        } catch (IOException e) {
          close(near); // no server at the moment
          continue;
        }
        sockets.add(far);
        boolean lasts = left.getAndDecrement() <= 0;
        End end = End.values()[random.nextInt(End.values().length)];
        boolean upstream = random.nextBoolean();
        long bytes =
            lasts ? Long.MAX_VALUE : 1 + (long) (-meanBytes * Math.log(1 - random.nextDouble()));
        long seed = random.nextLong();
        Connection connection = new Connection(near, far, end);
        start(() -> connection.pump(near, far, upstream ? bytes : Long.MAX_VALUE, seed));
        start(() -> connection.pump(far, near, upstream ? Long.MAX_VALUE : bytes, seed + 1));
      }
    } catch (IOException e) {
      sockets.forEach(ChaosWire::close);
    }
  }

  private final class Connection {
    private final Socket near;
    private final Socket far;
    private final End end;
    private volatile boolean silent;
    private volatile boolean late;
    private final AtomicInteger directions = new AtomicInteger(2);

    Connection(Socket near, Socket far, End end) {
      this.near = near;
      this.far = far;
      this.end = end;
    }

    /** Carries bytes in one direction until as many have passed. */
    void pump(Socket from, Socket to, long bytes, long seed) {
      Random pace = new Random(seed);
      byte[] buffer = new byte[MAX_PIECE];
      long allowed = bytes;
      boolean held = false;
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        while (true) {
          int n = in.read(buffer, 0, 1 + pace.nextInt(MAX_PIECE));
          if (n < 0) {
            break;
          }
          if (pace.nextInt(50) == 0) {
            Thread.sleep(pace.nextInt(3));
          }
          if (allowed <= n && end == End.LATE && bytes != Long.MAX_VALUE && !late) {
            breaks.incrementAndGet();
            late = true;
          }
          if (late && !held) {
            held = true;
            Thread.sleep(LATE_MILLIS);
          }
          if (!silent) {
            out.write(buffer, 0, late ? n : (int) Math.min(n, allowed));
          }
          allowed -= n;
          if (late) {
            allowed = Long.MAX_VALUE;
          }
          if (allowed <= 0 && bytes != Long.MAX_VALUE) {
            breaks.incrementAndGet();
            switch (end) {
              case CUT -> {
                close(near);
                close(far);
                return;
              }
              case LATE -> throw new IllegalStateException("delivers everything");
              case SILENCE -> silent = true; // it still reads, as a dead network does
              case HALF_CLOSE -> {
                to.shutdownOutput();
                return;
              }
            }
            allowed = Long.MAX_VALUE;
          }
        }
      } catch (IOException e) {
        // the other direction has closed it
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      // What is late still arrives at one end after the other one has hung up.
      if (!silent && (!late || directions.decrementAndGet() == 0)) {
        close(near);
        close(far);
      }
    }
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
    sockets.forEach(ChaosWire::close);
  }
}
