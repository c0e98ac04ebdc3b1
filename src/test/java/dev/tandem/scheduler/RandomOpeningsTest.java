package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Span;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random openings, closings, steps and lost connections. What is reserved never exceeds the budget,
 * every opening is answered, and in the end everything is free.
 */
@Timeout(120)
class RandomOpeningsTest {
  private static final int D = 8;
  private static final int BUDGET_POSITIONS = 200;
  private static final int MAX_SEQUENCES = 7;
  private static final int TENANTS = 3;
  private static final int OPERATIONS = 3_000;

  /** One connection: its lane, and the sequences that it opened or waits for. */
  private static final class Connection {
    final Lane lane;
    final List<CompletableFuture<ScheduledSequence>> openings = new ArrayList<>();

    Connection(Lane lane) {
      this.lane = lane;
    }
  }

  private final ToyProvider model = new ToyProvider(16, D, 11, 1_000);
  private final Random random = new Random();
  private final List<Connection> connections = new ArrayList<>();
  private final List<CompletableFuture<ScheduledSequence>> all = new ArrayList<>();
  private final List<CompletableFuture<FloatBuffer>> steps = new ArrayList<>();

  /** Counted apart from the scheduler's own books, by the engine thread. */
  private final AtomicLong positions = new AtomicLong();

  private final AtomicLong mostPositions = new AtomicLong();
  private final AtomicLong sequences = new AtomicLong();
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void reservationsStayWithinTheBudget(long seed) throws Exception {
    random.setSeed(seed);
    SchedulerLimits limits =
        SchedulerLimits.of(MAX_SEQUENCES, 4, 1_000)
            .withKvBytes(OptionalLong.of(BUDGET_POSITIONS * 4L * D))
            .withQueueTimeout(Duration.ofMillis(random.nextInt(3)))
            .withIdleTimeout(Duration.ofMillis(random.nextInt(3)));
    try (ModelScheduler scheduler =
        new ModelScheduler("random", model, limits, SchedulerListener.NONE)) {
      List<Tenant> tenants = new ArrayList<>();
      for (int i = 0; i < TENANTS; i++) {
        tenants.add(scheduler.tenant());
      }
      for (int i = 0; i < OPERATIONS; i++) {
        operate(tenants);
        long reserved = scheduler.load().reservedBytes();
        assertThat(reserved).as("seed %d", seed).isBetween(0L, BUDGET_POSITIONS * 4L * D);
      }
      connections.forEach(connection -> connection.lane.close());
      for (CompletableFuture<ScheduledSequence> opening : all) {
        assertAnswered(opening, seed);
      }
      for (CompletableFuture<FloatBuffer> step : steps) {
        assertAnswered(step, seed);
      }
      for (CompletableFuture<ScheduledSequence> opening : all) {
        if (!opening.isCompletedExceptionally()) {
          opening.get().ended().get();
        }
      }
      assertThat(scheduler.load()).as("seed %d", seed).isEqualTo(new SchedulerLoad(0, 0, 0));
    }
    assertThat(wrong).as("seed %d", seed).isEmpty();
    assertThat(positions).hasValue(0);
    assertThat(mostPositions.get()).as("the budget was needed").isGreaterThan(150);
    assertThat(model.openSequences()).isZero();
  }

  private static void assertAnswered(CompletableFuture<?> future, long seed) throws Exception {
    Set<Reason> allowed =
        EnumSet.of(Reason.CAPACITY, Reason.LIMIT, Reason.CLOSED, Reason.RECLAIMED, Reason.POSITION);
    try {
      future.get();
    } catch (ExecutionException e) {
      assertThat(e.getCause())
          .as("seed %d", seed)
          .isInstanceOfSatisfying(
              ScheduleException.class, refusal -> assertThat(refusal.reason()).isIn(allowed));
    }
  }

  private void operate(List<Tenant> tenants) {
    int what = random.nextInt(20);
    if (connections.isEmpty() || what == 0) {
      connections.add(new Connection(tenants.get(random.nextInt(TENANTS)).lane()));
      return;
    }
    Connection connection = connections.get(random.nextInt(connections.size()));
    if (what == 1) {
      connection.lane.close();
      connections.remove(connection);
    } else if (what < 8) {
      open(connection);
    } else {
      use(connection, what < 12);
    }
  }

  private void open(Connection connection) {
    int size = 1 + random.nextInt(random.nextInt(10) == 0 ? 220 : 90);
    CompletableFuture<ScheduledSequence> opening =
        connection.lane.open(Span.layers(random.nextInt(3), 4), size);
    all.add(opening);
    connection.openings.add(opening);
    var unused =
        opening.thenAccept(
            sequence -> {
              count(size, 1);
              var unusedEnd = sequence.ended().thenRun(() -> count(-size, -1));
            });
  }

  private void count(long added, int sequence) {
    long now = positions.addAndGet(added);
    long open = sequences.addAndGet(sequence);
    mostPositions.accumulateAndGet(now, Math::max);
    if (now < 0 || now > BUDGET_POSITIONS || open > MAX_SEQUENCES) {
      wrong.add(now + " positions of " + open + " sequences");
    }
  }

  private void use(Connection connection, boolean close) {
    if (connection.openings.isEmpty()) {
      return;
    }
    int which = random.nextInt(connection.openings.size());
    CompletableFuture<ScheduledSequence> opening = connection.openings.get(which);
    if (!opening.isDone()) {
      LockSupport.parkNanos(1_000); // it may wait for room, which others give back
    } else if (opening.isCompletedExceptionally()) {
      connection.openings.remove(which);
    } else if (close) {
      var unused = opening.join().close();
      connection.openings.remove(which);
    } else {
      steps.add(SchedulerFixture.trySubmit(opening.join(), SchedulerFixture.generated(0, 1)));
    }
  }
}
