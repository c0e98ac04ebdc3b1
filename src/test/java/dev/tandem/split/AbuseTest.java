package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;
import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.settings.Output;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * All kinds of abuse at once, again and again, while good clients run: their bits stay right, what
 * is refused is refused as documented, and nothing is left.
 */
@Tag("slow")
@Timeout(3000)
class AbuseTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final Duration TIME = LONG ? Duration.ofMinutes(10) : Duration.ofSeconds(3);

  private static final int GARBAGE = 64;
  private static final int SLOW = 16;
  private static final int MAX_SEQUENCES = 8;

  /** Beyond the memory after the first round: buffers of the JVM, of Netty and of the tests. */
  private static final long MORE_BYTES = 256L << 20;

  private final ToyServer toy;

  AbuseTest() throws IOException {
    toy = new ToyServer(anyPort().withSequences(MAX_SEQUENCES, ToyServer.MAX_SEQ));
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), toy.server.port());
    socket.setSoTimeout(30_000);
    return socket;
  }

  /** Random bytes, some of them behind a good handshake. */
  private void garbage(long seed) throws IOException {
    Random random = new Random(seed);
    byte[] bytes = new byte[1 + random.nextInt(4000)];
    random.nextBytes(bytes);
    try (Socket socket = connect()) {
      OutputStream out = socket.getOutputStream();
      if (random.nextBoolean()) {
        out.write(RawClient.UPGRADE.getBytes(StandardCharsets.US_ASCII));
      }
      out.write(bytes);
      socket.shutdownOutput();
      byte[] unused = socket.getInputStream().readAllBytes();
    } catch (SocketException e) {
      // reset, or closed while it was written to
    }
  }

  /** A part of a handshake, byte by byte, and never the rest. */
  private void slowHandshake() throws Exception {
    byte[] start = RawClient.UPGRADE.getBytes(StandardCharsets.US_ASCII);
    try (Socket socket = connect()) {
      for (int i = 0; i < 40; i++) {
        socket.getOutputStream().write(start[i]);
        Thread.sleep(10);
      }
    } catch (SocketException e) {
      // closed by the server
    }
  }

  /** Asks without end and reads nothing. */
  private void neverReads() throws IOException {
    byte[] text =
        "{\"type\":\"info\",\"version\":1,\"request\":1}".getBytes(StandardCharsets.US_ASCII);
    byte[] frame = new byte[6 + text.length]; // masked with zeros
    frame[0] = (byte) 0x81;
    frame[1] = (byte) (0x80 | text.length);
    System.arraycopy(text, 0, frame, 6, text.length);
    Socket socket = connect();
    CompletableFuture<Void> asking =
        CompletableFuture.runAsync(
            () -> {
              try {
                OutputStream out = socket.getOutputStream();
                out.write(RawClient.UPGRADE.getBytes(StandardCharsets.US_ASCII));
                for (int i = 0; i < 20_000; i++) {
                  out.write(frame);
                }
              } catch (IOException e) {
                // the server closed it, or the test did
              }
            },
            THREADS);
    try {
      Thread.sleep(500);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    socket.close();
    asking.join();
  }

  private void foreignOrigin() throws IOException {
    String upgrade =
        RawClient.UPGRADE.replace("Host: x", "Host: x\r\nOrigin: http://elsewhere.example");
    try (Socket socket = connect()) {
      socket.getOutputStream().write(upgrade.getBytes(StandardCharsets.US_ASCII));
      byte[] status = socket.getInputStream().readNBytes("HTTP/1.1 403".length());
      assertThat(new String(status, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 403");
    }
  }

  private void tooLong() throws InterruptedException {
    try (RawClient client = new RawClient(toy.uri())) {
      client.send(new byte[FrameHeader.messageBytes(C, D) + 1]);
      client.assertError(ErrorCode.TOO_LONG);
      client.assertClosed(1009);
    }
  }

  /** Opens until it is refused, under one request number; then it steps and never closes. */
  private void opensAll() throws InterruptedException {
    try (RawClient client = new RawClient(toy.uri())) {
      Open open = client.openMessage(0, Output.HIDDEN, 200);
      Opened last = null;
      for (int i = 0; i <= MAX_SEQUENCES; i++) {
        client.send(ControlCodec.encodeClient(open));
        Object answer = client.next();
        if (answer instanceof Opened opened) {
          last = opened;
        } else {
          assertThat(answer)
              .isInstanceOfSatisfying(
                  ErrorMessage.class,
                  error -> assertThat(error.code()).isIn(ErrorCode.CAPACITY, ErrorCode.LIMIT));
          break;
        }
      }
      if (last != null) {
        client.send(RawClient.frame(client.step(last, 7, 1)));
        client.assertError(ErrorCode.POSITION);
      }
    }
  }

  private interface Attack {
    void run() throws Exception;
  }

  private static CompletableFuture<Void> start(Attack attack) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            attack.run();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        },
        THREADS);
  }

  private void round(int number) {
    List<CompletableFuture<Void>> attacks = new ArrayList<>();
    for (int i = 0; i < GARBAGE; i++) {
      long seed = (long) number * GARBAGE + i;
      attacks.add(start(() -> garbage(seed)));
    }
    for (int i = 0; i < SLOW; i++) {
      attacks.add(start(this::slowHandshake));
    }
    attacks.add(start(this::neverReads));
    attacks.add(start(this::foreignOrigin));
    attacks.add(start(this::tooLong));
    attacks.add(start(this::opensAll));
    attacks.forEach(CompletableFuture::join);
  }

  private static long residentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(0);
  }

  @Test
  void goodClientsGoOnAndNothingIsLeft() throws Exception {
    try (Bystander one = new Bystander(toy);
        Bystander two = new Bystander(toy)) {
      round(0);
      long before = Files.exists(Path.of("/proc/self/status")) ? residentBytes() : 0;
      long end = System.nanoTime() + TIME.toNanos();
      int rounds = 1;
      while (System.nanoTime() < end) {
        round(rounds++);
        one.assertAlive();
        two.assertAlive();
        if (before > 0) {
          assertThat(residentBytes()).as("round %d", rounds).isLessThan(before + MORE_BYTES);
        }
      }
      assertThat(rounds).isGreaterThan(1);
    }
    while (toy.server.activeConnections() > 0 || toy.server.activeSequences() > 0) {
      Thread.sleep(1);
    }
    assertThat(toy.model.openSequences()).isZero();
    assertThat(toy.server.load().get(0).reservedBytes()).isZero();
    toy.close();
  }
}
