package dev.tandem.split;

import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.endpoints.ServerSecurity;
import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Resume;
import dev.tandem.protocol.ResumeToken;
import dev.tandem.protocol.Resumed;
import dev.tandem.settings.Output;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the clients of one address may use together. */
@Timeout(60)
class AddressLimitTest {
  private static final int MAX = 5;

  @TempDir private Path directory;

  private static ServerSecurity limited() {
    return ServerSecurity.NONE.withMaxSequencesPerAddress(MAX);
  }

  private static void ask(RawClient client) {
    client.send(ControlCodec.encodeClient(client.openMessage(0, Output.HIDDEN, 200)));
  }

  private static void assertFull(RawClient client) throws InterruptedException {
    assertThat(client.next())
        .isInstanceOfSatisfying(
            ErrorMessage.class,
            error -> {
              assertThat(error.code()).isEqualTo(ErrorCode.CAPACITY);
              assertThat(error.message())
                  .contains("the clients of address 127.0.0.1 may have 5 sequences together");
            });
  }

  private static void resume(RawClient client, ResumeToken token) {
    client.send(ControlCodec.encodeClient(new Resume(client.nextRequest(), token)));
  }

  @Test
  void itsConnectionsShareTheSequences() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort().withSecurity(limited()));
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri())) {
      Opened opened = first.open();
      for (int i = 1; i < MAX; i++) {
        (i % 2 == 0 ? first : second).open();
      }
      ask(second);
      assertFull(second);
      first.send(ControlCodec.encodeClient(new CloseSequence(opened.sequence())));
      assertThat(first.next()).isInstanceOf(CloseSequence.class);
      second.open();
      ask(first);
      assertFull(first);
      second.abort(); // nothing is kept of it here
      while (toy.server.activeConnections() > 1) {
        Thread.sleep(1);
      }
      first.open();
    }
  }

  @Test
  void aLostSequenceGivesWayAndAResumedOneStillCounts() throws Exception {
    ServerOptions options = anyPort(10_000, 1_000, 60_000).withSecurity(limited());
    try (ToyServer toy = new ToyServer(options);
        RawClient lost = new RawClient(toy.uri());
        RawClient client = new RawClient(toy.uri())) {
      List<ResumeToken> tokens = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        tokens.add(lost.open().resume().orElseThrow());
      }
      lost.abort();
      while (toy.server.activeConnections() > 1) {
        Thread.sleep(1);
      }
      for (int i = 0; i < MAX - 1; i++) {
        client.open(); // the last one takes the room of the oldest lost one
      }
      resume(client, tokens.get(0));
      client.assertError(ErrorCode.UNKNOWN_SEQUENCE);
      resume(client, tokens.get(1));
      assertThat(client.next()).isInstanceOf(Resumed.class);
      ask(client);
      assertFull(client);
    }
  }

  /** The engine looks at none of them before the limit holds. */
  private void assertOpeningsAreBounded(ServerOptions options, Optional<String> key)
      throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    try (ToyServer toy = new ToyServer(options);
        RawClient client =
            key.isPresent() ? new RawClient(toy.uri(), key.get()) : new RawClient(toy.uri())) {
      Opened opened = client.open();
      toy.model.onStep(
          batch -> {
            entered.countDown();
            try {
              gate.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      client.send(RawClient.frame(client.step(opened, 0, 1)));
      entered.await();
      int asked = 200;
      for (int i = 0; i < asked; i++) {
        ask(client);
      }
      for (int i = 0; i < asked - (MAX - 1); i++) {
        assertFull(client);
      }
      client.send(ControlCodec.encodeClient(new InfoRequest(client.nextRequest(), false)));
      assertThat(client.next()).as("all was read, the others wait").isInstanceOf(Info.class);
      gate.countDown();
      int waited = 0;
      for (int i = 0; i < MAX; i++) {
        waited += client.next() instanceof Opened ? 1 : 0; // and one result
      }
      assertThat(waited).isEqualTo(MAX - 1);
    } finally {
      gate.countDown();
    }
  }

  @Test
  void openingsAreBoundedBeforeTheEngineSeesThem() throws Exception {
    assertOpeningsAreBounded(anyPort().withSecurity(limited()), Optional.empty());
    Path keys = Files.writeString(directory.resolve("keys"), "a " + RawClient.sha256("a") + "\n");
    assertOpeningsAreBounded(anyPort().withSecurity(limited().withApiKeys(keys)), Optional.of("a"));
  }

  @Test
  void movesAreBoundedBeforeTheEngineSeesThem() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    try (ToyServer toy = new ToyServer(anyPort(10_000, 1_000, 60_000));
        RawClient client = new RawClient(toy.uri())) {
      Opened busy = client.open();
      ResumeToken token = client.open().resume().orElseThrow();
      toy.model.onStep(
          batch -> {
            entered.countDown();
            try {
              gate.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      client.send(RawClient.frame(client.step(busy, 0, 1)));
      entered.await();
      for (int i = 0; i < 17; i++) {
        resume(client, token);
      }
      client.assertError(ErrorCode.LIMIT);
      gate.countDown();
      int resumed = 0;
      for (int i = 0; i < 17; i++) { // the result, and an answer to each
        resumed += client.next() instanceof Resumed ? 1 : 0;
      }
      assertThat(resumed).isPositive();
      resume(client, token);
      assertThat(client.next()).isInstanceOf(Resumed.class);
    } finally {
      gate.countDown();
    }
  }

  /** Connections that never send a request are few, and others of the address go on. */
  @Test
  void connectionsWithoutARequestAreBounded() throws Exception {
    List<Socket> silent = new ArrayList<>();
    InetAddress from = InetAddress.getByName("127.0.0.2");
    try (ToyServer toy = new ToyServer(anyPort());
        RawClient client = new RawClient(toy.uri())) {
      for (int i = 0; i < 257; i++) {
        silent.add(new Socket(InetAddress.getLoopbackAddress(), toy.server.port(), from, 0));
      }
      Socket last = silent.get(256);
      last.setSoTimeout(8_000); // the others are closed after 10 s
      assertThat(last.getInputStream().read()).isEqualTo(-1);
      client.open();
      new RawClient(toy.uri()).close();
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }
}
