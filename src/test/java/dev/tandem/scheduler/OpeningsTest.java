package dev.tandem.scheduler;

import static dev.tandem.ThreadPerTask.THREADS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Span;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sequences that wait for room: who gets it, who is refused, and what is taken back for them. */
@Timeout(60)
class OpeningsTest {
  private static final int D = 8;
  private static final Span SPAN = Span.layers(0, 4);
  private static final Duration LONG = Duration.ofHours(1);

  /** Toy sequences keep one row of floats for each position. */
  private static final long POSITION_BYTES = 4L * D;

  private final ToyProvider model = new ToyProvider(16, D, 11, 1_000);
  private final List<ModelScheduler> schedulers = new ArrayList<>();

  private ModelScheduler scheduler(SchedulerLimits limits) {
    ModelScheduler scheduler =
        new ModelScheduler("openings", model, limits, SchedulerListener.NONE);
    schedulers.add(scheduler);
    return scheduler;
  }

  private static SchedulerLimits sequences(int n) {
    return SchedulerLimits.of(n, 4, 1_000).withQueueTimeout(LONG).withIdleTimeout(LONG);
  }

  private static SchedulerLimits positions(int n) {
    return sequences(100).withKvBytes(OptionalLong.of(n * POSITION_BYTES));
  }

  @AfterEach
  void everythingIsGivenBack() {
    schedulers.forEach(ModelScheduler::close);
    assertThat(model.openSequences()).isZero();
    for (ModelScheduler scheduler : schedulers) {
      assertThat(scheduler.load()).isEqualTo(new SchedulerLoad(0, 0, 0));
    }
  }

  /** Waits until all that was asked for has been looked at. */
  private static void settle(ModelScheduler scheduler) throws InterruptedException {
    try {
      scheduler.lane().open(Span.layers(0, 9), 1).get();
    } catch (ExecutionException e) {
      assertThat(reason(e)).isEqualTo(Reason.LAYERS);
    }
    settleTask(scheduler);
  }

  private static void settleTask(ModelScheduler scheduler) throws InterruptedException {
    CountDownLatch ran = new CountDownLatch(1);
    scheduler.inbox().post(ran::countDown);
    ran.await();
  }

  private static Reason reason(Throwable failure) {
    Throwable cause = failure instanceof ExecutionException ? failure.getCause() : failure;
    assertThat(cause).isInstanceOf(ScheduleException.class);
    return cause instanceof ScheduleException e ? e.reason() : Reason.INTERNAL;
  }

  private static void assertRefused(CompletableFuture<ScheduledSequence> opening, Reason reason) {
    assertThatThrownBy(opening::get).satisfies(e -> assertThat(reason(e)).isEqualTo(reason));
  }

  @Test
  void anOpeningWaitsUntilAnotherSequenceIsClosed() throws Exception {
    ModelScheduler scheduler = scheduler(sequences(2));
    ScheduledSequence first = scheduler.lane().open(SPAN, 10).get();
    scheduler.lane().open(SPAN, 10).get();
    CompletableFuture<ScheduledSequence> third = scheduler.lane().open(SPAN, 10);
    settle(scheduler);
    assertThat(third).isNotDone();
    assertThat(scheduler.load()).isEqualTo(new SchedulerLoad(2, 1, 20 * POSITION_BYTES));
    first.close().get();
    third.get();
    assertThat(scheduler.load()).isEqualTo(new SchedulerLoad(2, 0, 20 * POSITION_BYTES));
  }

  @Test
  void aSmallOpeningDoesNotOvertakeALargeOne() throws Exception {
    ModelScheduler scheduler = scheduler(positions(100));
    ScheduledSequence first = scheduler.lane().open(SPAN, 60).get();
    List<String> order = new CopyOnWriteArrayList<>();
    CompletableFuture<ScheduledSequence> large = scheduler.lane().open(SPAN, 80);
    var unused = large.thenRun(() -> order.add("large"));
    CompletableFuture<ScheduledSequence> small = scheduler.lane().open(SPAN, 20);
    unused = small.thenRun(() -> order.add("small"));
    settle(scheduler);
    assertThat(large).isNotDone();
    assertThat(small).as("there is room for it, but the large one was first").isNotDone();
    first.close().get();
    small.get();
    assertThat(order).containsExactly("large", "small");
    assertThat(scheduler.load().reservedBytes()).isEqualTo(100 * POSITION_BYTES);
  }

  @Test
  void whatCanNeverFitIsRefusedAtOnce() throws Exception {
    ModelScheduler scheduler = scheduler(positions(100));
    CompletableFuture<ScheduledSequence> tooLarge = scheduler.lane().open(SPAN, 101);
    assertRefused(tooLarge, Reason.LIMIT);
    assertThatThrownBy(tooLarge::get)
        .hasMessageContaining("101 positions")
        .hasMessageContaining("0.0 MiB");
    assertRefused(scheduler.tenant(5 * POSITION_BYTES).lane().open(SPAN, 6), Reason.LIMIT);
    scheduler.lane().open(SPAN, 100).get();
  }

  @Test
  void whoWaitsForTooLongIsRefusedAndNoLongerInTheWay() throws Exception {
    ModelScheduler scheduler = scheduler(positions(100).withQueueTimeout(Duration.ofMillis(50)));
    scheduler.lane().open(SPAN, 60).get();
    CompletableFuture<ScheduledSequence> large = scheduler.lane().open(SPAN, 80);
    assertRefused(large, Reason.CAPACITY);
    assertThatThrownBy(large::get)
        .hasMessageContaining("within 0.1 s")
        .hasMessageContaining("1 of 100 sequences");
    scheduler.lane().open(SPAN, 40).get();
  }

  @Test
  void withoutPatienceItIsRefusedAtOnce() throws Exception {
    ModelScheduler scheduler = scheduler(sequences(1).withQueueTimeout(Duration.ZERO));
    ScheduledSequence only = scheduler.lane().open(SPAN, 10).get();
    assertRefused(scheduler.lane().open(SPAN, 10), Reason.CAPACITY);
    var unused = only.close();
    scheduler.lane().open(SPAN, 10).get(); // it was asked for after the other was closed
  }

  @Test
  void whoLeavesDoesNotWait() throws Exception {
    ModelScheduler scheduler = scheduler(sequences(1));
    ScheduledSequence only = scheduler.lane().open(SPAN, 10).get();
    Lane leaving = scheduler.lane();
    CompletableFuture<ScheduledSequence> left = leaving.open(SPAN, 10);
    CompletableFuture<ScheduledSequence> next = scheduler.lane().open(SPAN, 10);
    settle(scheduler);
    assertThat(scheduler.load().waiting()).isEqualTo(2);
    leaving.close();
    assertRefused(left, Reason.CLOSED);
    assertThat(scheduler.load().waiting()).isEqualTo(1);
    only.close().get();
    next.get();
  }

  @Test
  void closingTheModelRefusesThoseWhoWait() throws Exception {
    ModelScheduler scheduler = scheduler(sequences(1));
    scheduler.lane().open(SPAN, 10).get();
    CompletableFuture<ScheduledSequence> waiting = scheduler.lane().open(SPAN, 10);
    settle(scheduler);
    scheduler.close();
    assertRefused(waiting, Reason.CLOSING);
  }

  @Test
  void tenantsGetRoomInTurnAndEachMayWaitForSoManyOnly() throws Exception {
    ModelScheduler scheduler = scheduler(sequences(1));
    List<ScheduledSequence> holder = new CopyOnWriteArrayList<>();
    holder.add(scheduler.lane().open(SPAN, 10).get());
    List<String> order = new CopyOnWriteArrayList<>();
    Tenant greedy = scheduler.tenant();
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 0; i < OpenQueue.MAX_PER_TENANT; i++) {
      all.add(greedy.lane().open(SPAN, 10).thenAccept(s -> closing(s, "greedy", order)));
    }
    assertRefused(greedy.lane().open(SPAN, 10), Reason.CAPACITY);
    for (int i = 0; i < 2; i++) {
      Tenant other = scheduler.tenant();
      all.add(other.lane().open(SPAN, 10).thenAccept(s -> closing(s, "other", order)));
    }
    settle(scheduler);
    var unused = holder.get(0).close();
    CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get();
    assertThat(order.subList(0, 4)).containsExactly("greedy", "other", "other", "greedy");
    assertThat(order).hasSize(OpenQueue.MAX_PER_TENANT + 2);
  }

  private static void closing(ScheduledSequence sequence, String name, List<String> order) {
    order.add(name);
    var unused = sequence.close();
  }

  /** A lost connection does not make more of it: what no connection has still counts. */
  @Test
  void aTenantsLostSequencesCountUntilTheyGiveWay() throws Exception {
    ModelScheduler scheduler = scheduler(positions(100).withQueueTimeout(Duration.ZERO));
    Tenant limited = scheduler.tenant(30 * POSITION_BYTES);
    ScheduledSequence lost = limited.lane().open(SPAN, 20).get();
    lost.detach().get();
    ScheduledSequence kept = limited.lane().open(SPAN, 10).get();
    assertThat(lost.ended()).isNotDone();
    ScheduledSequence next = limited.lane().open(SPAN, 15).get();
    assertThat(lost.ended()).as("it had to go").isDone();
    assertRefused(limited.lane().open(SPAN, 10), Reason.CAPACITY);
    next.detach().get();
    next.moveTo(limited.lane()).get();
    assertRefused(limited.lane().open(SPAN, 10), Reason.CAPACITY);
    next.close().get();
    kept.close().get();
    limited.lane().open(SPAN, 30).get();
  }

  /** It loses what no connection has, then what it does not use; never what others do not use. */
  @Test
  void aTenantAtItsOwnLimitGetsBackWhatItDoesNotUse() throws Exception {
    ModelScheduler scheduler = scheduler(positions(200).withIdleTimeout(Duration.ZERO));
    ScheduledSequence ofAnother = scheduler.lane().open(SPAN, 50).get();
    Tenant limited = scheduler.tenant(30 * POSITION_BYTES);
    Lane busyLane = limited.lane();
    ScheduledSequence busy = busyLane.open(SPAN, 5).get();
    busyLane.pause(); // so that its step waits
    CompletableFuture<?> step = SchedulerFixture.submit(busy, SchedulerFixture.generated(0, 1));
    ScheduledSequence older = limited.lane().open(SPAN, 10).get();
    ScheduledSequence newer = limited.lane().open(SPAN, 5).get();
    ScheduledSequence lost = limited.lane().open(SPAN, 10).get();
    lost.detach().get();
    limited.lane().open(SPAN, 10).get().close().get();
    assertThat(lost.ended()).as("lost, so it went first").isDone();
    assertThat(older.reclaimed()).isNotDone();
    ScheduledSequence next = limited.lane().open(SPAN, 20).get();
    assertThat(older.reclaimed().get()).as("idle for longest").contains("needed its room");
    assertThat(newer.reclaimed()).isNotDone();
    CompletableFuture<ScheduledSequence> tooMuch = limited.lane().open(SPAN, 28);
    settle(scheduler);
    assertThat(tooMuch).as("what it could get back is not enough").isNotDone();
    assertThat(List.of(newer.reclaimed().isDone(), next.reclaimed().isDone())).containsOnly(false);
    busyLane.resume();
    step.get();
    tooMuch.get();
    assertThat(ofAnother.reclaimed()).as("there was room without it").isNotDone();
  }

  @Test
  void aTenantAtItsOwnLimitWaitsAloneForItself() throws Exception {
    ModelScheduler scheduler = scheduler(positions(100));
    Tenant limited = scheduler.tenant(30 * POSITION_BYTES);
    ScheduledSequence first = limited.lane().open(SPAN, 20).get();
    CompletableFuture<ScheduledSequence> second = limited.lane().open(SPAN, 20);
    scheduler.lane().open(SPAN, 60).get(); // not behind it
    assertThat(second).isNotDone();
    first.close().get();
    second.get();
  }

  @Test
  void theLongestIdleSequenceMakesRoomAndSaysWhy() throws Exception {
    ModelScheduler scheduler = scheduler(positions(100).withIdleTimeout(Duration.ZERO));
    ScheduledSequence older = scheduler.lane().open(SPAN, 50).get();
    ScheduledSequence newer = scheduler.lane().open(SPAN, 50).get();
    SchedulerFixture.submit(older, SchedulerFixture.generated(0, 1)).get();
    ScheduledSequence third = scheduler.lane().open(SPAN, 40).get();
    assertThat(newer.reclaimed().get()).contains("needed its room");
    assertThat(older.reclaimed()).as("its last step was later").isNotDone();
    assertThatThrownBy(() -> SchedulerFixture.submit(newer, SchedulerFixture.generated(0, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    SchedulerFixture.submit(older, SchedulerFixture.generated(1, 1)).get();
    SchedulerFixture.submit(third, SchedulerFixture.generated(0, 1)).get();
  }

  @Test
  void nothingIsTakenBackThatIsNotEnoughOrInUse() throws Exception {
    ModelScheduler scheduler = scheduler(positions(100).withIdleTimeout(Duration.ZERO));
    ScheduledSequence idle = scheduler.lane().open(SPAN, 40).get();
    Lane busyLane = scheduler.lane();
    ScheduledSequence busy = busyLane.open(SPAN, 60).get();
    busyLane.pause(); // so that its step waits
    CompletableFuture<?> step = SchedulerFixture.submit(busy, SchedulerFixture.generated(0, 1));
    CompletableFuture<ScheduledSequence> waiting = scheduler.lane().open(SPAN, 50);
    settle(scheduler);
    assertThat(waiting).isNotDone();
    assertThat(idle.reclaimed()).isNotDone();
    assertThat(busy.reclaimed()).isNotDone();
    busyLane.resume();
    step.get();
    waiting.get(); // now it is idle, too; one of the two was enough
    assertThat(List.of(idle.reclaimed().isDone(), busy.reclaimed().isDone()))
        .containsExactlyInAnyOrder(true, true);
  }

  @Test
  void whoWaitsGetsTheRoomOfASequenceAsSoonAsItCountsAsIdle() throws Exception {
    ModelScheduler scheduler = scheduler(sequences(1).withIdleTimeout(Duration.ofMillis(50)));
    ScheduledSequence idle = scheduler.lane().open(SPAN, 10).get();
    scheduler.lane().open(SPAN, 10).get(); // without a call of the engine
    assertThat(idle.reclaimed()).isDone();
  }

  /** Each holds one and needs a second: some are refused, give theirs back, and try again. */
  @Test
  void clientsThatNeedTwoSequencesEachAllGetThem() throws Exception {
    int clients = 6;
    ModelScheduler scheduler =
        scheduler(sequences(clients).withQueueTimeout(Duration.ofMillis(30)));
    List<CompletableFuture<Void>> done = new ArrayList<>();
    for (int client = 0; client < clients; client++) {
      Random random = new Random(client);
      done.add(CompletableFuture.runAsync(() -> openTwo(scheduler, random), THREADS));
    }
    CompletableFuture.allOf(done.toArray(CompletableFuture[]::new)).get();
  }

  private static void openTwo(ModelScheduler scheduler, Random random) {
    while (true) {
      Lane lane = scheduler.lane();
      try {
        lane.open(SPAN, 10).get();
        Thread.sleep(random.nextInt(20));
        lane.open(SPAN, 10).get();
        return;
      } catch (ExecutionException e) {
        assertThat(reason(e)).isEqualTo(Reason.CAPACITY);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      } finally {
        lane.close();
      }
    }
  }
}
