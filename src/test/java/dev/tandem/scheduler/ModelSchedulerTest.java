package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ModelSchedulerTest {
  private static final int C = 16;
  private static final int D = 8;

  /** One entry of a batch that the stage saw. */
  private record Seen(int call, int position, int rows, RowKind kind, boolean promptEnd) {}

  private final ToyProvider model = new ToyProvider(C, D, 11, 1_000);
  private final ModelScheduler scheduler = new ModelScheduler("engine", model, 8, 4, 1_000);
  private final List<Seen> seen = new CopyOnWriteArrayList<>();
  private final CountDownLatch gate = new CountDownLatch(1);
  private final List<CompletableFuture<FloatBuffer>> held = new ArrayList<>();
  private int calls;

  @AfterEach
  void closeScheduler() {
    gate.countDown();
    scheduler.close();
    assertThat(model.openSequences()).isZero();
    assertThat(scheduler.activeSequences()).isZero();
  }

  private void record(Batch batch) {
    for (int i = 0; i < batch.size(); i++) {
      seen.add(
          new Seen(calls, batch.position(i), batch.nRows(i), batch.kind(i), batch.promptEnd(i)));
    }
    calls++;
  }

  /** Holds the engine thread in a step of its own until the gate opens; then records. */
  private void holdEngine() throws Exception {
    holdEngine(this::record);
  }

  private void holdEngine(Consumer<Batch> afterwards) throws Exception {
    ScheduledSequence holder = scheduler.lane().open(0, 4, false, 100).get();
    CountDownLatch entered = new CountDownLatch(1);
    model.onStep(
        batch -> {
          entered.countDown();
          await(gate);
          model.onStep(afterwards);
        });
    held.add(holder.submit(generated(0, 1)));
    entered.await();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static FloatBuffer rows(int position, int n) {
    FloatBuffer rows = FloatBuffer.allocate(n * D);
    for (int i = 0; i < n * D; i++) {
      rows.put(i, (position * D + i) % 17 * 0.125f);
    }
    return rows;
  }

  private static StepRows generated(int position, int n) {
    return new StepRows(position, n, RowKind.GENERATED, false, n - 1, 1, rows(position, n));
  }

  private static StepRows prompt(int position, int n, boolean end, int outBegin, int nOut) {
    return new StepRows(position, n, RowKind.PROMPT, end, outBegin, nOut, rows(position, n));
  }

  /** What a stage of its own computes in one call. */
  private float[] alone(boolean head, RowKind kind, int n) throws Exception {
    Stage stage = model.open(0, 4, head);
    try (Sequence sequence = stage.openSequence(n)) {
      Batch batch = new Batch();
      batch.add(sequence, 0, n, kind, kind == RowKind.PROMPT, 0, n);
      FloatBuffer in = direct(n * D);
      in.put(0, rows(0, n), 0, n * D);
      FloatBuffer out = direct(n * stage.spec().outWidth());
      stage.step(batch, in, out);
      float[] result = new float[out.capacity()];
      out.get(0, result);
      return result;
    }
  }

  private static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  private static float[] floats(FloatBuffer buffer) {
    float[] result = new float[buffer.remaining()];
    buffer.get(result);
    return result;
  }

  private static Reason reason(Throwable failure) {
    Throwable cause = failure instanceof ExecutionException ? failure.getCause() : failure;
    assertThat(cause).isInstanceOf(ScheduleException.class);
    return cause instanceof ScheduleException e ? e.reason() : Reason.CLOSED;
  }

  @Test
  void generatedRowsOfManySequencesGoIntoOneCall() throws Exception {
    holdEngine();
    List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
    Lane[] lanes = {scheduler.lane(), scheduler.lane(), scheduler.lane()};
    gateFor(lanes, results);
    gate.countDown();
    for (CompletableFuture<FloatBuffer> result : results) {
      result.get();
    }
    assertThat(seen).hasSize(6);
    assertThat(seen).allMatch(s -> s.call() == 0);
  }

  /** Two sequences per lane, opened and stepped while the engine is held. */
  private void gateFor(Lane[] lanes, List<CompletableFuture<FloatBuffer>> results) {
    for (Lane lane : lanes) {
      for (int i = 0; i < 2; i++) {
        results.add(
            lane.open(0, 4, false, 100).thenCompose(sequence -> submit(sequence, generated(0, 3))));
      }
    }
  }

  private static CompletableFuture<FloatBuffer> submit(ScheduledSequence sequence, StepRows step) {
    try {
      return sequence.submit(step);
    } catch (ScheduleException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  @Test
  void aSequenceGivesAtMostSixteenGeneratedRowsToAnIteration() throws Exception {
    ToyProvider wide = new ToyProvider(64, D, 11, 1_000);
    wide.onStep(this::record);
    try (ModelScheduler other = new ModelScheduler("wide", wide, 1, 4, 1_000)) {
      ScheduledSequence sequence = other.lane().open(0, 4, false, 100).get();
      StepRows step = new StepRows(0, 40, RowKind.GENERATED, false, 10, 25, rows(0, 40));
      float[] result = floats(sequence.submit(step).get());
      assertThat(seen).extracting(Seen::rows).containsExactly(16, 16, 8);
      assertThat(result)
          .isEqualTo(Arrays.copyOfRange(alone(false, RowKind.GENERATED, 40), 10 * D, 35 * D));
    }
  }

  @Test
  void promptsAreCutAtMultiplesOfCAndReassembled() throws Exception {
    model.onStep(this::record);
    int n = 3 * C + 5;
    ScheduledSequence sequence = scheduler.lane().open(0, 4, true, n).get();
    List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
    for (int at = 0; at < n; at += C) {
      int rows = Math.min(C, n - at);
      results.add(sequence.submit(prompt(at, rows, at + rows == n, 0, rows)));
    }
    float[] together = new float[n * 11];
    int at = 0;
    for (CompletableFuture<FloatBuffer> result : results) {
      float[] part = floats(result.get());
      System.arraycopy(part, 0, together, at, part.length);
      at += part.length;
    }
    assertThat(together).isEqualTo(alone(true, RowKind.PROMPT, n));
    assertThat(seen).extracting(Seen::rows).startsWith(C, C, C, 5);
    assertThat(seen).extracting(Seen::promptEnd).startsWith(false, false, false, true);
  }

  @Test
  void aFrameAcrossAChunkBorderIsTwoCalls() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(0, 4, false, 100).get();
    sequence.submit(prompt(0, 5, true, 0, 0)).get();
    model.onStep(this::record);
    float[] result = floats(sequence.submit(prompt(5, C, true, 9, 4)).get());
    assertThat(result).hasSize(4 * D);
    assertThat(seen).extracting(Seen::position).containsExactly(5, C);
    assertThat(seen).extracting(Seen::rows).containsExactly(C - 5, 5);
    assertThat(seen).extracting(Seen::promptEnd).containsExactly(false, true);
  }

  @Test
  void stepsThatDoNotContinueAreRefusedAndSoAreThoseSentAfterThem() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(0, 4, false, 40).get();
    sequence.submit(generated(0, 10)).get();
    assertThatThrownBy(() -> sequence.submit(generated(11, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
    assertThatThrownBy(() -> sequence.submit(prompt(4, 3, false, 0, 0)))
        .hasMessageContaining("PROMPT_END")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
    assertThatThrownBy(() -> sequence.submit(generated(7, 1)))
        .as("row 4 was refused, so 7 would continue something else")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
    assertThatThrownBy(() -> sequence.submit(generated(0, 17)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LIMIT));
    sequence.submit(generated(0, 16)).get();
    sequence.submit(generated(16, 16)).get();
    assertThatThrownBy(() -> sequence.submit(generated(32, 9)))
        .hasMessageContaining("beyond the 40")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LIMIT));
    sequence.invalidate();
    assertThatThrownBy(() -> sequence.submit(generated(1, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
  }

  @Test
  void truncationGivesTheBitsOfARunWithoutIt() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(0, 4, false, 40).get();
    sequence.submit(generated(0, 12)).get();
    sequence.submit(generated(5, 3)).get();
    sequence.submit(generated(3, 6)).get();
    float[] last = floats(sequence.submit(generated(9, 1)).get());
    float[] alone = alone(false, RowKind.GENERATED, 10);
    assertThat(last).isEqualTo(Arrays.copyOfRange(alone, 9 * D, 10 * D));
  }

  @Test
  void atMostFourStepsAreInFlight() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence sequence = lane.open(0, 4, false, 40).get();
    holdEngine();
    for (int i = 0; i < 4; i++) {
      held.add(sequence.submit(generated(i, 1)));
    }
    assertThatThrownBy(() -> sequence.submit(generated(4, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LIMIT));
  }

  @Test
  void closingALaneDropsItsStepsAndFreesItsSequences() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence sequence = lane.open(0, 4, false, 40).get();
    holdEngine();
    CompletableFuture<FloatBuffer> step = sequence.submit(generated(0, 1));
    CompletableFuture<ScheduledSequence> late = lane.open(0, 4, false, 40);
    lane.close();
    gate.countDown();
    assertThatThrownBy(step::get).satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    assertThatThrownBy(late::get).satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    assertThat(model.openSequences()).isEqualTo(1);
    assertThat(seen).isEmpty();
  }

  @Test
  void layersAndCapacityAreRefusedWithBothValues() throws Exception {
    Lane lane = scheduler.lane();
    assertThatThrownBy(lane.open(0, 5, false, 40)::get)
        .hasMessageContaining("0:5")
        .hasMessageContaining("0:4")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LAYERS));
    assertThatThrownBy(lane.open(0, 3, true, 40)::get)
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LAYERS));
    for (int i = 0; i < 8; i++) {
      lane.open(i % 5, 4, i % 2 == 0, 40).get();
    }
    assertThatThrownBy(lane.open(0, 4, false, 40)::get)
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CAPACITY));
    assertThat(scheduler.activeSequences()).isEqualTo(8);
  }

  @Test
  void aFailingSequenceDoesNotTakeItsNeighboursWithIt() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence good = lane.open(0, 4, false, 40).get();
    ScheduledSequence bad = lane.open(0, 4, false, 40).get();
    holdEngine(
        batch -> {
          for (int i = 0; i < batch.size(); i++) {
            if (batch.nRows(i) == 7) {
              throw new IllegalStateException("seven");
            }
          }
        });
    CompletableFuture<FloatBuffer> ok = good.submit(generated(0, 3));
    CompletableFuture<FloatBuffer> failed = bad.submit(generated(0, 7));
    CompletableFuture<FloatBuffer> after = bad.submit(generated(7, 1));
    gate.countDown();
    float[] alone = alone(false, RowKind.GENERATED, 3);
    assertThat(floats(ok.get())).isEqualTo(Arrays.copyOfRange(alone, 2 * D, 3 * D));
    assertThatThrownBy(failed::get)
        .hasMessageContaining("seven")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.INTERNAL));
    assertThatThrownBy(after::get).satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.INTERNAL));
    assertThatThrownBy(() -> bad.submit(generated(0, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
  }

  @Test
  void aPausedLaneIsNotComputedAndOthersAre() throws Exception {
    Lane slow = scheduler.lane();
    Lane quick = scheduler.lane();
    ScheduledSequence first = slow.open(0, 4, false, 40).get();
    ScheduledSequence second = quick.open(0, 4, false, 40).get();
    slow.pause();
    CompletableFuture<FloatBuffer> held = first.submit(generated(0, 1));
    second.submit(generated(0, 1)).get();
    second.submit(generated(1, 1)).get();
    assertThat(held).isNotDone();
    slow.resume();
    held.get();
  }

  @Test
  void lanesTakeTurnsAtPromptChunks() throws Exception {
    Lane a = scheduler.lane();
    Lane b = scheduler.lane();
    ScheduledSequence fromA = a.open(0, 4, false, 4 * C).get();
    ScheduledSequence fromB = b.open(1, 4, false, 4 * C).get();
    List<Character> order = new CopyOnWriteArrayList<>();
    holdEngine();
    List<CompletableFuture<?>> done = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      done.add(fromA.submit(prompt(i * C, C, false, 0, 0)).thenRun(() -> order.add('a')));
    }
    for (int i = 0; i < 4; i++) {
      done.add(fromB.submit(prompt(i * C, C, false, 0, 0)).thenRun(() -> order.add('b')));
    }
    gate.countDown();
    for (CompletableFuture<?> future : done) {
      future.get();
    }
    String turns = order.stream().map(String::valueOf).reduce("", String::concat);
    assertThat(turns).isIn("abababab", "babababa");
  }

  @Test
  void anIterationTakesAtMost256GeneratedRowsAndEveryLaneGetsItsShare() throws Exception {
    try (ModelScheduler wide = new ModelScheduler("wide", model, 100, 4, 1_000)) {
      ScheduledSequence holder = wide.lane().open(0, 4, false, 4).get();
      List<ScheduledSequence> sequences = new ArrayList<>();
      Lane big = wide.lane();
      for (int i = 0; i < 30; i++) {
        sequences.add(big.open(0, 4, false, 40).get());
      }
      Lane small = wide.lane();
      sequences.add(small.open(0, 4, false, 40).get());
      CountDownLatch entered = new CountDownLatch(1);
      model.onStep(
          batch -> {
            entered.countDown();
            await(gate);
            model.onStep(this::record);
          });
      held.add(holder.submit(generated(0, 1)));
      entered.await();
      List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
      for (ScheduledSequence sequence : sequences) {
        results.add(sequence.submit(generated(0, 16)));
      }
      gate.countDown();
      for (CompletableFuture<FloatBuffer> result : results) {
        result.get();
      }
      int[] rowsOfCall = new int[3];
      seen.forEach(s -> rowsOfCall[s.call()] += s.rows());
      assertThat(rowsOfCall).containsExactly(256, 31 * 16 - 256, 0);
      assertThat(results.get(30)).isDone();
    }
  }

  @Test
  void randomStepsOfManySequencesEqualRunningAlone() throws Exception {
    long seed = 42;
    Random random = new Random(seed);
    int n = 90;
    float[] expected = alone(false, RowKind.GENERATED, n);
    Lane[] lanes = {scheduler.lane(), scheduler.lane(), scheduler.lane()};
    List<CompletableFuture<Void>> clients = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      ScheduledSequence sequence = lanes[i % 3].open(0, 4, false, n).get();
      int[] cuts = IntStream.generate(() -> 1 + random.nextInt(16)).limit(n).toArray();
      clients.add(
          CompletableFuture.runAsync(
              () -> {
                for (int at = 0, cut = 0; at < n; cut++) {
                  int rows = Math.min(cuts[cut], n - at);
                  float[] last = floats(submit(sequence, generated(at, rows)).join());
                  at += rows;
                  assertThat(last)
                      .as("seed %d", seed)
                      .isEqualTo(Arrays.copyOfRange(expected, (at - 1) * D, at * D));
                }
              }));
    }
    CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).get();
  }

  @Test
  void closingRefusesNewWork() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence sequence = lane.open(0, 4, false, 40).get();
    scheduler.close();
    assertThatThrownBy(() -> sequence.submit(generated(0, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    assertThatThrownBy(lane.open(0, 4, false, 40)::get)
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CAPACITY));
  }
}
