package dev.tandem.split;

import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.endpoints.ServerSecurity;
import dev.tandem.endpoints.ServerTimes;
import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameKind;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Result;
import dev.tandem.scheduler.SchedulerLoad;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What clients of one server leave to each other: room for sequences, and rows. */
@Timeout(60)
class SharedServerTest {
  /** {@link RawClient#open} asks for so many positions. */
  private static final int POSITIONS = 200;

  private static final long SEQUENCE_BYTES = 4L * D * POSITIONS;

  @TempDir private Path directory;

  /** One sequence of a raw client fits, and half of another. */
  private static ServerOptions roomForOne(Duration queue, Duration idle) {
    ServerTimes times =
        ServerTimes.DEFAULTS.withQueue(queue).withIdle(idle).withResumeGrace(Duration.ZERO);
    return anyPort().withTimes(times).withKvBudget(SEQUENCE_BYTES * 3 / 2);
  }

  private static void ask(RawClient client) {
    client.send(ControlCodec.encodeClient(client.openMessage(0, Output.HIDDEN, POSITIONS)));
  }

  private static void awaitLoad(ToyServer toy, SchedulerLoad load) throws InterruptedException {
    while (!toy.server.load().equals(List.of(load))) {
      Thread.sleep(1);
    }
  }

  @Test
  void aClientWaitsForTheRoomOfAnother() throws Exception {
    try (ToyServer toy = new ToyServer(roomForOne(Duration.ofHours(1), Duration.ofHours(1)));
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri());
        RawClient third = new RawClient(toy.uri())) {
      Opened opened = first.open();
      ask(second);
      awaitLoad(toy, new SchedulerLoad(1, 1, SEQUENCE_BYTES));
      ask(third);
      awaitLoad(toy, new SchedulerLoad(1, 2, SEQUENCE_BYTES));
      second.abort(); // it waits no longer
      awaitLoad(toy, new SchedulerLoad(1, 1, SEQUENCE_BYTES));
      first.send(RawClient.frame(first.step(opened, 0, 3)));
      assertThat(first.next()).isInstanceOf(Result.class);
      first.send(ControlCodec.encodeClient(new CloseSequence(opened.sequence())));
      assertThat(first.next()).isInstanceOf(CloseSequence.class);
      assertThat(third.next()).isInstanceOf(Opened.class);
      third.abort();
      awaitLoad(toy, new SchedulerLoad(0, 0, 0));
    }
  }

  @Test
  void withoutRoomClientsAreRefusedAfterATimeOrAtOnce() throws Exception {
    try (ToyServer toy = new ToyServer(roomForOne(Duration.ofMillis(50), Duration.ofHours(1)));
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri())) {
      first.open();
      ask(second);
      assertThat(second.next())
          .isInstanceOfSatisfying(
              ErrorMessage.class,
              error -> {
                assertThat(error.code()).isEqualTo(ErrorCode.CAPACITY);
                assertThat(error.message()).contains("within 0.1 s").contains("try again later");
              });
      second.send(
          ControlCodec.encodeClient(second.openMessage(0, Output.HIDDEN, POSITIONS * 3 / 2 + 1)));
      second.assertError(ErrorCode.LIMIT);
    }
  }

  @Test
  void aSequenceWithoutStepsGivesWayAndItsClientIsTold() throws Exception {
    try (ToyServer toy = new ToyServer(roomForOne(Duration.ofHours(1), Duration.ZERO));
        RawClient first = new RawClient(toy.uri());
        RawClient second = new RawClient(toy.uri())) {
      Opened opened = first.open();
      first.send(RawClient.frame(first.step(opened, 0, 3)));
      assertThat(first.next()).isInstanceOf(Result.class);
      second.open();
      assertThat(first.next())
          .isInstanceOfSatisfying(
              ErrorMessage.class,
              error -> {
                assertThat(error.code()).isEqualTo(ErrorCode.UNKNOWN_SEQUENCE);
                assertThat(error.request()).isZero();
                assertThat(error.sequence()).isEqualTo(opened.sequence());
                assertThat(error.message()).contains("needed its room");
              });
      first.send(RawClient.frame(first.step(opened, 3, 1)));
      first.assertError(ErrorCode.UNKNOWN_SEQUENCE);
      assertThat(toy.model.openSequences()).isEqualTo(1);
      first.open(); // and takes the room again
      assertThat(toy.server.load()).containsExactly(new SchedulerLoad(1, 0, SEQUENCE_BYTES));
    }
  }

  /** Three connections of one key, and one of another, get one prompt chunk in turn. */
  @Test
  void rowsAreSharedBetweenKeys() throws Exception {
    Path keys = directory.resolve("keys");
    Files.writeString(
        keys,
        "many "
            + RawClient.sha256("m")
            + "\none "
            + RawClient.sha256("o")
            + "\nholder "
            + RawClient.sha256("h")
            + "\n");
    ServerOptions options = anyPort().withSecurity(ServerSecurity.NONE.withApiKeys(keys));
    List<Integer> chunks = new CopyOnWriteArrayList<>();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    List<RawClient> clients = new ArrayList<>();
    try (ToyServer toy = new ToyServer(options)) {
      for (String key : List.of("h", "m", "m", "m", "o")) {
        clients.add(new RawClient(toy.uri(), key));
      }
      List<List<Opened>> opened = new ArrayList<>();
      for (RawClient client : clients) {
        opened.add(List.of(client.open(), client.open(), client.open()));
      }
      toy.model.onStep(
          batch -> {
            entered.countDown();
            await(gate);
            toy.model.onStep(next -> chunks.add(next.nOut(0)));
          });
      clients.get(0).send(RawClient.frame(prompt(clients.get(0), opened.get(0).get(0), 1)));
      entered.await();
      // The keys' chunks are told apart by the number of their output rows.
      for (int i = 1; i < clients.size(); i++) {
        RawClient client = clients.get(i);
        for (Opened sequence : opened.get(i)) {
          client.send(RawClient.frame(prompt(client, sequence, i < 4 ? 2 : 3)));
        }
        client.send(ControlCodec.encodeClient(new InfoRequest(client.nextRequest(), false)));
        assertThat(client.next()).as("all steps before it are queued").isInstanceOf(Info.class);
      }
      gate.countDown();
      for (int i = 1; i < clients.size(); i++) {
        for (int step = 0; step < 3; step++) {
          assertThat(clients.get(i).next()).isInstanceOf(Result.class);
        }
      }
      assertThat(chunks)
          .isIn(
              List.of(
                  List.of(2, 3, 2, 3, 2, 3, 2, 2, 2, 2, 2, 2),
                  List.of(3, 2, 3, 2, 3, 2, 2, 2, 2, 2, 2, 2)));
    } finally {
      gate.countDown();
      clients.forEach(RawClient::close);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A whole prompt of one chunk. */
  private static FrameHeader prompt(RawClient client, Opened opened, int nOut) {
    return new FrameHeader(
        FrameKind.STEP,
        RowType.F32,
        false,
        true,
        opened.epoch(),
        client.nextRequest(),
        opened.sequence(),
        0,
        C,
        D,
        C - nOut,
        nOut);
  }
}
