package dev.tandem.split;

import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.VOCAB;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.endpoints.ServerSecurity;
import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Protocol;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.Resume;
import dev.tandem.protocol.ResumeToken;
import dev.tandem.protocol.Resumed;
import dev.tandem.protocol.RowRequest;
import dev.tandem.protocol.TopReply;
import dev.tandem.protocol.TopResult;
import dev.tandem.protocol.WireProfile;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.settings.RowType;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a server does with the sequences of connections that are lost. */
@Timeout(120)
class ResumeTest {
  private static final long LONG = 60_000;
  private static final long SHORT = 300;

  private final float[] rows = ToyServer.randomRows(new Random(8), 60);

  private static ToyServer server(long graceMillis) throws Exception {
    return new ToyServer(ToyServer.anyPort(10_000, 1_000, graceMillis));
  }

  private static void awaitNoConnections(ToyServer toy) throws InterruptedException {
    while (toy.server.activeConnections() > 0) {
      Thread.sleep(1); // the test's timeout guards it
    }
  }

  private static void awaitNoSequences(ToyServer toy) throws InterruptedException {
    while (toy.server.activeSequences() > 0 || toy.model.openSequences() > 0) {
      Thread.sleep(1);
    }
  }

  private static Object resume(RawClient client, ResumeToken token) throws InterruptedException {
    client.send(ControlCodec.encodeClient(new Resume(client.nextRequest(), token)));
    return client.next();
  }

  /** The sequence as it is called on another connection. */
  private static Opened moved(Opened opened, Object answer) {
    Resumed resumed = (Resumed) answer;
    return new Opened(
        1,
        resumed.sequence(),
        resumed.epoch(),
        opened.model(),
        opened.profile(),
        opened.limits(),
        opened.resume());
  }

  private static ResumeToken token(Opened opened) {
    return opened.resume().orElseThrow();
  }

  /** Sends rows of the test; the last one is requested. */
  private void send(RawClient client, Opened opened, int position, int n) {
    FloatBuffer data = FloatBuffer.wrap(rows, position * D, n * D).slice();
    client.send(FrameCodec.encode(client.step(opened, position, n), data).array());
  }

  private float[] step(RawClient client, Opened opened, int position, int n) throws Exception {
    send(client, opened, position, n);
    FloatBuffer row = ((Result) client.next()).rows();
    float[] result = new float[row.remaining()];
    row.get(result);
    return result;
  }

  /** The last of n generated rows, computed by a stage of its own. */
  private float[] alone(ToyServer toy, int n) throws Exception {
    Stage stage = toy.model.open(Span.layers(0, ToyProvider.LAYERS));
    try (Sequence sequence = stage.openSequence(n)) {
      return ToyServer.step(stage, sequence, 0, rows, n, RowKind.GENERATED, 1);
    }
  }

  private static AtomicLong countRows(ToyServer toy) {
    AtomicLong count = new AtomicLong();
    toy.model.onStep(batch -> count.addAndGet(batch.totalRows()));
    return count;
  }

  @Test
  void aSequenceGoesOnOnAnotherConnection() throws Exception {
    try (ToyServer toy = server(LONG);
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri())) {
      Opened opened = first.open();
      step(first, opened, 0, 7);
      first.abort();
      AtomicLong computed = countRows(toy);
      Object answer = resume(second, token(opened));
      assertThat(((Resumed) answer).length()).isEqualTo(7);
      float[] row = step(second, moved(opened, answer), 7, 1);
      assertThat(computed).hasValue(1);
      assertThat(row).isEqualTo(alone(toy, 8));
      second.send(ControlCodec.encodeClient(new CloseSequence(((Resumed) answer).sequence())));
      assertThat(second.next()).isInstanceOf(CloseSequence.class);
      awaitNoSequences(toy);
      assertRefused(second, token(opened));
    }
  }

  private static void assertRefused(RawClient client, ResumeToken token) throws Exception {
    client.send(ControlCodec.encodeClient(new Resume(client.nextRequest(), token)));
    client.assertError(ErrorCode.UNKNOWN_SEQUENCE);
  }

  /** The old connection is alive for the server; what it still sends and is owed counts no more. */
  @Test
  void theNewestConnectionWins() throws Exception {
    try (ToyServer toy = server(LONG);
        RawClient old = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri());
        RawClient third = new RawClient(toy.uri())) {
      Opened opened = old.open();
      step(old, opened, 0, 3);
      CountDownLatch entered = new CountDownLatch(1);
      CountDownLatch gate = new CountDownLatch(1);
      AtomicLong computed = new AtomicLong();
      toy.model.onStep(
          batch -> {
            entered.countDown();
            await(gate);
            computed.addAndGet(batch.totalRows());
          });
      send(old, opened, 3, 1); // computed when the sequence is taken away
      await(entered);
      send(old, opened, 4, 1); // waits, and is dropped
      send(old, opened, 5, 1);
      second.send(ControlCodec.encodeClient(new Resume(1, token(opened))));
      third.send(ControlCodec.encodeClient(new InfoRequest(1, false)));
      assertThat(third.next()).isInstanceOf(Info.class); // the event loop has seen the first resume
      third.send(ControlCodec.encodeClient(new Resume(2, token(opened))));
      third.send(ControlCodec.encodeClient(new InfoRequest(3, false)));
      assertThat(third.next()).isInstanceOf(Info.class);
      gate.countDown();
      second.assertError(ErrorCode.UNKNOWN_SEQUENCE); // the third came while it waited
      Object answer = third.next();
      assertThat(((Resumed) answer).length()).isEqualTo(4);
      assertThat(old.isSilent()).as("late answers go nowhere").isTrue();
      send(old, opened, 4, 1);
      old.assertError(ErrorCode.UNKNOWN_SEQUENCE);
      assertThat(step(third, moved(opened, answer), 4, 1)).isEqualTo(alone(toy, 5));
      assertThat(computed.get())
          .as("rows: the running step, the new one, those alone")
          .isEqualTo(7);
      old.abort();
      while (toy.server.activeConnections() > 2) {
        Thread.sleep(1);
      }
      assertThat(toy.server.activeSequences()).isEqualTo(1);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void afterTheGracePeriodNothingIsLeft() throws Exception {
    try (ToyServer toy = server(SHORT);
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri())) {
      Opened opened = first.open();
      Opened another = first.open();
      step(first, opened, 0, 3);
      assertThat(token(opened)).isNotEqualTo(token(another));
      first.abort();
      while (toy.server.activeConnections() > 1) {
        Thread.sleep(1);
      }
      awaitNoSequences(toy);
      assertRefused(second, token(opened));
      assertRefused(second, token(another));
    }
  }

  @Test
  void whoSaysGoodbyeKeepsNothing() throws Exception {
    try (ToyServer toy = server(LONG);
        RawClient first = new RawClient(toy.uri());
        RawClient broken = new RawClient(toy.uri())) {
      Opened opened = first.open();
      first.sayGoodbye();
      awaitNoSequences(toy);
      assertRefused(broken, token(opened));
      broken.open();
      broken.send("no JSON"); // nor does who breaks the protocol
      broken.assertError(ErrorCode.PROTOCOL);
      awaitNoSequences(toy);
      awaitNoConnections(toy);
    }
  }

  @Test
  void withoutGraceNothingIsOffered() throws Exception {
    try (ToyServer toy = server(0);
        RawClient first = new RawClient(toy.uri())) {
      first.send(ControlCodec.encodeClient(new InfoRequest(1, false)));
      assertThat(((Info) first.next()).features()).doesNotContain(Protocol.RESUME);
      assertThat(first.open().resume()).isEmpty();
      first.abort();
      awaitNoSequences(toy);
    }
  }

  @Test
  void theFeatureIsNamed() throws Exception {
    try (ToyServer toy = server(LONG);
        RawClient client = new RawClient(toy.uri())) {
      client.send(ControlCodec.encodeClient(new InfoRequest(1, false)));
      assertThat(((Info) client.next()).features()).contains(Protocol.RESUME);
      assertRefused(client, new ResumeToken("0".repeat(32)));
      client.send("{\"type\":\"resume\",\"version\":1,\"request\":9,\"resume\":\"short\"}");
      client.assertError(ErrorCode.PROTOCOL);
      client.assertClosed(1002);
    }
  }

  /** The rows of the last step are still there, under the sequence's new name. */
  @Test
  void wholeRowsAreStillThere() throws Exception {
    try (ToyServer toy = server(LONG);
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri())) {
      first.send(
          ControlCodec.encodeClient(
              new Open(
                  first.nextRequest(),
                  "",
                  Span.whole(ToyProvider.LAYERS),
                  RowType.F32,
                  RowType.F32,
                  100,
                  WireProfile.ANY,
                  Optional.of(new TopReply(4, List.of())))));
      Opened opened = (Opened) first.next();
      send(first, opened, 0, 5);
      assertThat(first.next()).isInstanceOf(TopResult.class);
      first.send(ControlCodec.encodeClient(new RowRequest(77, opened.sequence(), 0)));
      Result before = (Result) first.next();
      first.abort();
      AtomicLong computed = countRows(toy);
      Opened here = moved(opened, resume(second, token(opened)));
      second.send(ControlCodec.encodeClient(new RowRequest(78, here.sequence(), 0)));
      Result after = (Result) second.next();
      assertThat(computed).hasValue(0);
      FrameHeader header = after.header();
      assertThat(header.epoch()).isEqualTo(here.epoch());
      assertThat(header.sequence()).isEqualTo(here.sequence());
      assertThat(header.columns()).isEqualTo(VOCAB);
      assertThat(header.position()).isZero();
      assertThat(after.rows()).isEqualTo(before.rows());
    }
  }

  @Test
  void aTokenIsForItsKeyOnly(@TempDir Path folder) throws Exception {
    Path keys = folder.resolve("keys");
    Files.write(keys, List.of(line("alice"), line("bob") + " sequences=1"));
    try (ToyServer toy =
            new ToyServer(
                ToyServer.anyPort(10_000, 1_000, LONG)
                    .withSecurity(ServerSecurity.NONE.withApiKeys(keys)));
        RawClient alice = new RawClient(toy.uri(), "alice");
        RawClient again = new RawClient(toy.uri(), "alice");
        RawClient bob = new RawClient(toy.uri(), "bob");
        RawClient bobAgain = new RawClient(toy.uri(), "bob")) {
      Opened opened = alice.open();
      step(alice, opened, 0, 2);
      assertRefused(bob, token(opened));
      alice.abort();
      assertRefused(bob, token(opened));
      Object answer = resume(again, token(opened));
      assertThat(step(again, moved(opened, answer), 2, 1)).isEqualTo(alone(toy, 3));

      // A sequence that no connection has counts, and makes room where its key needs it.
      Opened one = bob.open();
      bobAgain.send(
          ControlCodec.encodeClient(
              RawClient.openMessage(50, 0, dev.tandem.settings.Output.HIDDEN, 10)));
      bobAgain.assertError(ErrorCode.CAPACITY);
      bob.abort();
      while (toy.server.activeConnections() > 2) {
        Thread.sleep(1);
      }
      bobAgain.open();
      assertRefused(bobAgain, token(one));
      assertThat(toy.server.activeSequences()).isEqualTo(2);
    }
  }

  private static String line(String key) {
    return key + " " + RawClient.sha256(key);
  }

  /** Many waiting prompt chunks are dropped, and those that were computed are not lost. */
  @Test
  void whatWaitsIsCancelledWithinOneCall() throws Exception {
    try (ToyServer toy = server(LONG);
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri())) {
      Opened opened = first.open();
      CountDownLatch entered = new CountDownLatch(1);
      CountDownLatch gate = new CountDownLatch(1);
      AtomicLong computed = new AtomicLong();
      toy.model.onStep(
          batch -> {
            entered.countDown();
            await(gate);
            computed.addAndGet(batch.totalRows());
          });
      for (int chunk = 0; chunk < 3; chunk++) {
        send(first, opened, chunk * C, C);
      }
      await(entered);
      first.abort();
      while (toy.server.activeConnections() > 1) {
        Thread.sleep(1);
      }
      gate.countDown();
      Object answer = resume(second, token(opened));
      assertThat(((Resumed) answer).length()).isEqualTo(C);
      assertThat(computed).hasValue(C);
      float[] row = step(second, moved(opened, answer), C, C);
      assertThat(Arrays.equals(row, alone(toy, 2 * C))).isTrue();
    }
  }
}
