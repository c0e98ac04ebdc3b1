package dev.tandem.split;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The wire is as slow as it was told to be, and carries every byte. */
@Timeout(120)
class SlowWireTest {
  /** On a busy machine a thread may wake up late; it is never early. */
  private static final int TRIES = 20;

  private ServerSocket echo;

  @BeforeEach
  void start() throws IOException {
    echo = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    Thread thread =
        new Thread(
            () -> {
              try {
                while (true) {
                  echo(echo.accept());
                }
              } catch (IOException e) {
                // the test is over
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private static void echo(Socket socket) throws IOException {
    try (socket) {
      socket.setTcpNoDelay(true);
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[8192];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        socket.getOutputStream().write(buffer, 0, n);
      }
    }
  }

  @AfterEach
  void stop() throws IOException {
    echo.close();
  }

  private static Socket connect(SlowWire wire) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), wire.port());
    socket.setTcpNoDelay(true);
    return socket;
  }

  @Test
  void aRoundTripTakesFiftyMillisecondsWithinOne() throws Exception {
    try (SlowWire wire = new SlowWire(echo.getLocalPort(), 50, 5);
        Socket socket = connect(wire)) {
      double median = Double.NaN;
      for (int i = 0; i < TRIES && !(median <= 51); i++) {
        median = medianMillis(socket, 9);
        assertThat(median).isGreaterThanOrEqualTo(50);
      }
      assertThat(median).isBetween(50.0, 51.0);
    }
  }

  private static double medianMillis(Socket socket, int n) throws IOException {
    double[] millis = new double[n];
    for (int i = 0; i < n; i++) {
      long start = System.nanoTime();
      socket.getOutputStream().write(i);
      assertThat(socket.getInputStream().read()).isEqualTo(i);
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    return millis[n / 2];
  }

  /** 125,000 bytes are 0.2 s at 5 Mbit/s, less what the two buckets hold. */
  @Test
  void theRateIsLimited() throws Exception {
    byte[] bytes = new byte[125_000];
    new Random(3).nextBytes(bytes);
    try (SlowWire wire = new SlowWire(echo.getLocalPort(), 20, 5);
        Socket socket = connect(wire)) {
      double millis = Double.NaN;
      for (int i = 0; i < TRIES && !(millis <= 230); i++) {
        Thread.sleep(20); // the buckets fill up
        long start = System.nanoTime();
        Thread sender = new Thread(() -> send(socket, bytes));
        sender.start();
        byte[] back = new byte[bytes.length];
        new DataInputStream(socket.getInputStream()).readFully(back);
        millis = (System.nanoTime() - start) / 1e6;
        sender.join();
        assertThat(back).isEqualTo(bytes);
        assertThat(millis).isGreaterThan(220 - 10);
      }
      assertThat(millis).isBetween(210.0, 230.0);
    }
  }

  private static void send(Socket socket, byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theEndArrivesAfterTheLastByte() throws Exception {
    try (SlowWire wire = new SlowWire(echo.getLocalPort(), 10, 0);
        Socket socket = connect(wire)) {
      byte[] bytes = new byte[300_000];
      new Random(4).nextBytes(bytes);
      Thread sender = new Thread(() -> send(socket, bytes));
      sender.start();
      byte[] back = new byte[bytes.length];
      new DataInputStream(socket.getInputStream()).readFully(back);
      sender.join();
      socket.shutdownOutput();
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
      assertThat(back).isEqualTo(bytes);
    }
  }
}
