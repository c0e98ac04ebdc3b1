package dev.tandem.split;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameKind;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.WireProfile;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Abuse of a server, one method for each kind, which fails if the server does not answer as the
 * protocol says. For {@link Attackers}.
 */
final class Attacks {
  static final int PAUSE_MILLIS = 10;
  static final int MAX_SEQUENCES = 6;
  static final int MAX_CONNECTIONS = 2;

  private static final int POSITIONS = 200;
  private static final int FLOOD_ROWS = 16;

  /** The last numbers of the loopback addresses that they come from. */
  private static final int FROM = 2;

  private static final int GARBAGE_FROM = 3;
  private static final int RECEIVE_BYTES = 1 << 16;

  /** What a client that does not read lets the system keep, so that the server soon notices. */
  private static final int FEW_BYTES = 1 << 12;

  /** The request number of several messages. */
  private static final int REPLAYED = 7;

  private final int port;
  private final int layers;
  private final int chunkRows;
  private final int dModel;
  private final Set<HandWrittenClient> open = ConcurrentHashMap.newKeySet();
  private final Set<String> codes = ConcurrentHashMap.newKeySet();
  private final Set<Integer> statuses = ConcurrentHashMap.newKeySet();
  private volatile boolean stop;

  Attacks(int port, int layers, int chunkRows, int dModel) {
    this.port = port;
    this.layers = layers;
    this.chunkRows = chunkRows;
    this.dModel = dModel;
  }

  private HandWrittenClient connect(int from, int receiveBytes) throws IOException {
    HandWrittenClient client = new HandWrittenClient(from, port, receiveBytes);
    open.add(client);
    return client;
  }

  private HandWrittenClient connect() throws IOException {
    return connect(FROM, RECEIVE_BYTES);
  }

  private void end(HandWrittenClient client) throws IOException {
    open.remove(client);
    client.close();
  }

  static String bearer(String key) {
    return "Authorization: Bearer " + key;
  }

  private int upgrade(HandWrittenClient client, String... headers) throws IOException {
    int status = client.upgrade(headers);
    statuses.add(status);
    return status;
  }

  private HandWrittenClient admitted(String key, int receiveBytes) throws IOException {
    HandWrittenClient client = connect(FROM, receiveBytes);
    assertThat(upgrade(client, bearer(key))).isEqualTo(101);
    return client;
  }

  private ErrorCode refusal(Object answer) {
    assertThat(answer).isInstanceOf(ErrorMessage.class);
    ErrorCode code = ((ErrorMessage) answer).code();
    codes.add(code.wireName());
    return code;
  }

  /** Random bytes, some of them behind a good handshake. */
  void garbage(Random random) throws IOException {
    byte[] bytes = new byte[1 + random.nextInt(4000)];
    random.nextBytes(bytes);
    HandWrittenClient client = connect(GARBAGE_FROM, RECEIVE_BYTES);
    try {
      if (random.nextBoolean()) {
        client.write(HandWrittenClient.handshake(bearer("mallory")));
      }
      client.write(bytes);
      client.socket().shutdownOutput();
      String answer = new String(client.rest(), StandardCharsets.ISO_8859_1);
      if (!answer.isEmpty()) {
        assertThat(answer).startsWith("HTTP/1.");
        statuses.add(Integer.parseInt(answer.substring(9, 12)));
      }
    } catch (SocketTimeoutException e) {
      throw new AssertionError("garbage is neither answered nor shut out", e);
    } catch (IOException e) {
      // the server closed it while it was written to
    } finally {
      end(client);
    }
  }

  /** A handshake byte by byte; the server ends it. */
  void slowHandshake() throws IOException {
    byte[] handshake = HandWrittenClient.handshake(bearer("mallory"), "X: " + "x".repeat(1000));
    HandWrittenClient client = connect();
    long begin = System.nanoTime();
    boolean ended = false;
    try {
      client.socket().setSoTimeout(100);
      for (int i = 0; !ended && !stop; i++) {
        client.write(new byte[] {handshake[i]});
        try {
          ended = client.socket().getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
          ended = false;
        }
      }
    } catch (IOException e) {
      ended = true;
    } finally {
      end(client);
    }
    if (!stop) {
      assertThat((System.nanoTime() - begin) / 1e9).as("s until it is closed").isBetween(9.0, 30.0);
    }
  }

  private static String openMessage(int request, int layers) {
    return ControlCodec.encodeClient(
        new Open(
            request,
            "",
            new Span(0, layers, Output.HIDDEN),
            RowType.F32,
            RowType.F32,
            POSITIONS,
            WireProfile.ANY));
  }

  private byte[] step(Opened opened, int position, int rows, int request) {
    return RawClient.frame(
        new FrameHeader(
            FrameKind.STEP,
            RowType.F32,
            true,
            false,
            opened.epoch(),
            request,
            opened.sequence(),
            position,
            rows,
            dModel,
            0,
            rows));
  }

  /** Sends steps without end, and reads none of their rows. */
  void readsNoRows() throws IOException, InterruptedException {
    HandWrittenClient client = admitted("idler", FEW_BYTES);
    try {
      client.send(openMessage(1, layers));
      Object answer = client.next();
      if (!(answer instanceof Opened opened)) {
        assertThat(refusal(answer)).isEqualTo(ErrorCode.CAPACITY);
        return;
      }
      for (int i = 0; !stop; i++) {
        int position = i * FLOOD_ROWS % (POSITIONS - FLOOD_ROWS);
        client.send(step(opened, position - position % FLOOD_ROWS, FLOOD_ROWS, i + 2));
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (IOException e) {
      // the server closed it
    } finally {
      end(client);
    }
  }

  /** Asks for long answers without end, and reads none. */
  void readsNoInfo() throws IOException, InterruptedException {
    HandWrittenClient client = admitted("idler", FEW_BYTES);
    try {
      for (int i = 1; !stop; i++) {
        client.send(ControlCodec.encodeClient(new InfoRequest(i, true)));
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (IOException e) {
      // the server closed it
    } finally {
      end(client);
    }
  }

  /** Opens, under one request number, until it is refused; then it sends a step twice. */
  void opensUntilRefused(String key) throws IOException, InterruptedException {
    HandWrittenClient client = admitted(key, RECEIVE_BYTES);
    try {
      Opened last = null;
      Object answer;
      do {
        client.send(openMessage(REPLAYED, layers));
        answer = client.next();
        last = answer instanceof Opened opened ? opened : last;
      } while (answer instanceof Opened);
      assertThat(refusal(answer)).isEqualTo(ErrorCode.CAPACITY);
      assertThat(((ErrorMessage) answer).request()).isEqualTo(REPLAYED);
      if (last != null) {
        for (int i = 0; i < 2; i++) {
          client.send(step(last, 0, 1, REPLAYED));
        }
        for (int i = 0; i < 2; i++) {
          assertThat(client.next())
              .isInstanceOfSatisfying(
                  Result.class,
                  result -> assertThat(result.header().request()).isEqualTo(REPLAYED));
        }
        client.send(step(last, 9, 1, REPLAYED));
        assertThat(refusal(client.next())).isEqualTo(ErrorCode.POSITION);
      }
      Thread.sleep(PAUSE_MILLIS);
    } finally {
      end(client); // without a goodbye: its sequences are lost ones now
    }
  }

  void refusedUpgrade(int status, String... headers) throws IOException {
    HandWrittenClient client = connect();
    try {
      assertThat(upgrade(client, headers)).isEqualTo(status);
    } finally {
      end(client);
    }
  }

  void foreignOrigin() throws IOException {
    refusedUpgrade(403, bearer("mallory"), "Origin: http://elsewhere.example");
  }

  void tooManyConnections() throws IOException {
    HandWrittenClient[] clients = new HandWrittenClient[MAX_CONNECTIONS];
    try {
      int last = 101;
      for (int i = 0; i < MAX_CONNECTIONS && last == 101; i++) {
        clients[i] = connect();
        last = upgrade(clients[i], bearer("crowd"));
      }
      if (last == 101) {
        refusedUpgrade(429, bearer("crowd"));
      } else {
        assertThat(last).isEqualTo(429); // those of the round before are not yet counted out
      }
    } finally {
      for (HandWrittenClient client : clients) {
        if (client != null) {
          end(client);
        }
      }
    }
  }

  /** A text, a step, and a frame above the limits. */
  void tooLong() throws IOException {
    int limit = FrameHeader.messageBytes(chunkRows, dModel);
    HandWrittenClient client = admitted("mallory", RECEIVE_BYTES);
    try {
      client.send("x".repeat(17_000));
      assertThat(refusal(client.next())).isEqualTo(ErrorCode.TOO_LONG);
      assertClosed(client, 1009);
    } finally {
      end(client);
    }
    client = admitted("mallory", RECEIVE_BYTES);
    try {
      client.send(new byte[limit + 1]);
      assertThat(refusal(client.next())).isEqualTo(ErrorCode.TOO_LONG);
      assertClosed(client, 1009);
    } finally {
      end(client);
    }
    client = admitted("mallory", RECEIVE_BYTES);
    try {
      client.send(new byte[limit + 100_000]);
      assertThat(client.next()).isInstanceOf(RawClient.Closed.class);
    } catch (IOException e) {
      // reset: the server did not read all of it
    } finally {
      end(client);
    }
  }

  private static void assertClosed(HandWrittenClient client, int status) throws IOException {
    assertThat(client.next()).isEqualTo(new RawClient.Closed(status, ""));
  }

  /** The end of no sequence, and a message of another version. */
  void brokenMessages() throws IOException {
    HandWrittenClient client = admitted("mallory", RECEIVE_BYTES);
    try {
      client.send("{\"type\":\"close\",\"sequence\":999}");
      assertThat(refusal(client.next())).isEqualTo(ErrorCode.UNKNOWN_SEQUENCE);
      client.send("{\"type\":\"info\",\"version\":3,\"request\":1}");
      assertThat(refusal(client.next())).isEqualTo(ErrorCode.VERSION);
      assertClosed(client, 1002);
    } finally {
      end(client);
    }
  }

  /** Error codes that the server has answered with. */
  Set<String> codes() {
    return codes;
  }

  /** HTTP statuses that the server has answered with. */
  Set<Integer> statuses() {
    return statuses;
  }

  boolean isStopped() {
    return stop;
  }

  /** Ends all connections; what still runs fails or ends. */
  void stop() throws IOException {
    stop = true;
    for (HandWrittenClient client : open) {
      client.close();
    }
  }
}
