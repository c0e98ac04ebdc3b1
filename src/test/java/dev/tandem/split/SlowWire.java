package dev.tandem.split;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A slow wire between clients and a server: each direction is late by half of a round-trip time,
 * and carries a limited number of bytes per second (a token bucket). It loses and changes nothing.
 *
 * <p>It uses nothing but the JDK, so {@code java SlowWire.java LISTEN:PORT TARGET:PORT MILLIS MBIT}
 * runs it as a program: MILLIS is the round-trip time, MBIT the rate of each direction in Mbit/s, 0
 * for no limit.
 */
public final class SlowWire implements AutoCloseable {
  /** The payload of an Ethernet frame. */
  private static final int PACKET = 1460;

  /** The bucket: so many bytes may follow each other at once. */
  private static final int BURST = 2 * PACKET;

  /** Bytes on the way beyond those that the delay holds; then the sender has to wait. */
  private static final int BUFFER = 1 << 18;

  /** A parked thread wakes up late by a part of this; the rest of the time it spins. */
  private static final long SPIN_NANOS = 200_000;

  private final ServerSocket listener;
  private final InetSocketAddress target;
  private final long delayNanos;
  private final double nanosPerByte;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();

  /**
   * Listens on any port of the loopback interface.
   *
   * @param target port of the server
   * @param roundTripMillis the delay of both directions together
   * @param megabits Mbit/s in each direction; 0 for no limit
   */
  public SlowWire(int target, double roundTripMillis, double megabits) throws IOException {
    this(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
        new InetSocketAddress(InetAddress.getLoopbackAddress(), target),
        roundTripMillis,
        megabits);
  }

  private SlowWire(
      InetSocketAddress address, InetSocketAddress target, double roundTripMillis, double megabits)
      throws IOException {
    this.target = target;
    delayNanos = (long) (roundTripMillis * 1e6 / 2);
    nanosPerByte = megabits == 0 ? 0 : 8e3 / megabits;
    listener = new ServerSocket();
    listener.bind(address, 100);
    start(this::accept);
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "slow-wire");
    thread.setDaemon(true);
    thread.start();
  }

  /** The port for clients. */
  public int port() {
    return listener.getLocalPort();
  }

  /** The address for clients. */
  public URI uri() {
    return URI.create("ws://127.0.0.1:" + port() + "/v1/split");
  }

  private void accept() {
    try {
      while (true) {
        Socket near = listener.accept();
        sockets.add(near);
        Socket far = new Socket();
        sockets.add(far);
        try {
          far.connect(target);
          near.setTcpNoDelay(true);
          far.setTcpNoDelay(true);
        } catch (IOException e) {
          close(near);
          continue;
        }
        carry(near, far);
        carry(far, near);
      }
    } catch (IOException e) {
      sockets.forEach(SlowWire::close);
    }
  }

  private void carry(Socket from, Socket to) {
    Line line = new Line();
    start(
        () -> {
          try {
            line.read(from.getInputStream());
          } catch (IOException e) {
            line.end(); // what was read still arrives
          }
        });
    start(
        () -> {
          try {
            line.write(to.getOutputStream());
            to.shutdownOutput();
          } catch (IOException e) {
            close(from);
            close(to);
          }
        });
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
    sockets.forEach(SlowWire::close);
  }

  /** What is on the way in one direction. */
  private final class Line {
    /** Some bytes, and the time at which the last of them arrives; none: the end. */
    private record Packet(ByteBuffer bytes, long arrivalNanos) {}

    private final Queue<Packet> packets = new ArrayDeque<>();
    private int nBytes;

    /** When the bucket is full again. */
    private long freeNanos = System.nanoTime();

    void read(InputStream in) throws IOException {
      byte[] buffer = new byte[nanosPerByte == 0 ? 1 << 16 : PACKET];
      int room = nanosPerByte == 0 ? Integer.MAX_VALUE : BUFFER + (int) (delayNanos / nanosPerByte);
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        add(new Packet(ByteBuffer.wrap(Arrays.copyOf(buffer, n)), departure(n) + delayNanos), room);
      }
      end();
    }

    /** When the last of so many bytes has left: the bucket fills at the rate of the line. */
    private long departure(int n) {
      long now = System.nanoTime();
      freeNanos =
          Math.max(freeNanos, now - (long) (BURST * nanosPerByte)) + (long) (n * nanosPerByte);
      return Math.max(now, freeNanos);
    }

    private synchronized void add(Packet packet, int room) {
      await(() -> nBytes <= room);
      packets.add(packet);
      nBytes += packet.bytes().remaining();
      notifyAll();
    }

    synchronized void end() {
      packets.add(new Packet(ByteBuffer.allocate(0), System.nanoTime() + delayNanos));
      notifyAll();
    }

    private synchronized Packet next() {
      await(() -> !packets.isEmpty());
      return packets.remove();
    }

    private synchronized void arrived(int n) {
      nBytes -= n;
      notifyAll();
    }

    private synchronized void await(BooleanSupplier condition) {
      try {
        while (!condition.getAsBoolean()) {
          wait();
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    void write(OutputStream out) throws IOException {
      for (Packet packet = next(); packet.bytes().remaining() > 0; packet = next()) {
        sleepUntil(packet.arrivalNanos());
        out.write(packet.bytes().array());
        arrived(packet.bytes().remaining());
      }
    }

    private static void sleepUntil(long nanos) {
      for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
        if (left > SPIN_NANOS) {
          LockSupport.parkNanos(left - SPIN_NANOS);
        } else {
          Thread.onSpinWait();
        }
      }
    }
  }

  private static InetSocketAddress address(String text) {
    int colon = text.lastIndexOf(':');
    return new InetSocketAddress(
        text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
  }

  /** Runs one wire until the process is ended. */
  public static void main(String[] args) throws Exception {
    try (SlowWire wire =
        new SlowWire(
            address(args[0]),
            address(args[1]),
            Double.parseDouble(args[2]),
            Double.parseDouble(args[3]))) {
      System.out.println("listening on port " + wire.port());
      Thread.currentThread().join();
    }
  }
}
