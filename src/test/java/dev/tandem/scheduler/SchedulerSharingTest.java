package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What sequences do to each other: batches, turns, failures, leaving. */
@Timeout(60)
class SchedulerSharingTest extends SchedulerFixture {
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
            lane.open(Span.layers(0, 4), 100)
                .thenCompose(sequence -> trySubmit(sequence, generated(0, 3))));
      }
    }
  }

  @Test
  void aSequenceGivesAtMostSixteenGeneratedRowsToAnIteration() throws Exception {
    ToyProvider wide = new ToyProvider(64, D, 11, 1_000);
    wide.onStep(this::record);
    try (ModelScheduler other =
        new ModelScheduler("wide", wide, SchedulerLimits.of(1, 4, 1_000), SchedulerListener.NONE)) {
      ScheduledSequence sequence = other.lane().open(Span.layers(0, 4), 100).get();
      Step step = new Step(new StepRows(0, 40, RowKind.GENERATED, false, 10, 25), rows(0, 40));
      float[] result = floats(submit(sequence, step).get());
      assertThat(seen).extracting(Seen::rows).containsExactly(16, 16, 8);
      assertThat(result)
          .isEqualTo(Arrays.copyOfRange(alone(false, RowKind.GENERATED, 40), 10 * D, 35 * D));
    }
  }

  @Test
  void closingALaneDropsItsStepsAndFreesItsSequences() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence sequence = lane.open(Span.layers(0, 4), 40).get();
    holdEngine();
    CompletableFuture<FloatBuffer> step = submit(sequence, generated(0, 1));
    CompletableFuture<ScheduledSequence> late = lane.open(Span.layers(0, 4), 40);
    lane.close();
    gate.countDown();
    assertThatThrownBy(step::get).satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    assertThatThrownBy(late::get).satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    assertThat(model.openSequences()).isEqualTo(1);
    assertThat(seen).isEmpty();
  }

  @Test
  void aFailingSequenceDoesNotTakeItsNeighboursWithIt() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence good = lane.open(Span.layers(0, 4), 40).get();
    ScheduledSequence bad = lane.open(Span.layers(0, 4), 40).get();
    holdEngine(
        batch -> {
          for (int i = 0; i < batch.size(); i++) {
            if (batch.nRows(i) == 7) {
              throw new IllegalStateException("seven");
            }
          }
        });
    CompletableFuture<FloatBuffer> ok = submit(good, generated(0, 3));
    CompletableFuture<FloatBuffer> failed = submit(bad, generated(0, 7));
    CompletableFuture<FloatBuffer> after = submit(bad, generated(7, 1));
    gate.countDown();
    float[] alone = alone(false, RowKind.GENERATED, 3);
    assertThat(floats(ok.get())).isEqualTo(Arrays.copyOfRange(alone, 2 * D, 3 * D));
    assertThatThrownBy(failed::get)
        .hasMessageContaining("seven")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.INTERNAL));
    assertThatThrownBy(after::get).satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.INTERNAL));
    assertThatThrownBy(() -> submit(bad, generated(0, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
  }

  @Test
  void aPausedLaneIsNotComputedAndOthersAre() throws Exception {
    Lane slow = scheduler.lane();
    Lane quick = scheduler.lane();
    ScheduledSequence first = slow.open(Span.layers(0, 4), 40).get();
    ScheduledSequence second = quick.open(Span.layers(0, 4), 40).get();
    slow.pause();
    CompletableFuture<FloatBuffer> held = submit(first, generated(0, 1));
    submit(second, generated(0, 1)).get();
    submit(second, generated(1, 1)).get();
    assertThat(held).isNotDone();
    slow.resume();
    held.get();
  }

  @Test
  void lanesTakeTurnsAtPromptChunks() throws Exception {
    Lane a = scheduler.lane();
    Lane b = scheduler.lane();
    ScheduledSequence fromA = a.open(Span.layers(0, 4), 4 * C).get();
    ScheduledSequence fromB = b.open(Span.layers(1, 4), 4 * C).get();
    List<Character> order = new CopyOnWriteArrayList<>();
    holdEngine();
    List<CompletableFuture<?>> done = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      done.add(submit(fromA, prompt(i * C, C, false, 0, 0)).thenRun(() -> order.add('a')));
    }
    for (int i = 0; i < 4; i++) {
      done.add(submit(fromB, prompt(i * C, C, false, 0, 0)).thenRun(() -> order.add('b')));
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
    try (ModelScheduler wide =
        new ModelScheduler(
            "wide", model, SchedulerLimits.of(100, 4, 1_000), SchedulerListener.NONE)) {
      ScheduledSequence holder = wide.lane().open(Span.layers(0, 4), 4).get();
      List<ScheduledSequence> sequences = new ArrayList<>();
      Lane big = wide.lane();
      for (int i = 0; i < 30; i++) {
        sequences.add(big.open(Span.layers(0, 4), 40).get());
      }
      Lane small = wide.lane();
      sequences.add(small.open(Span.layers(0, 4), 40).get());
      CountDownLatch entered = new CountDownLatch(1);
      model.onStep(
          batch -> {
            entered.countDown();
            await(gate);
            model.onStep(this::record);
          });
      held.add(submit(holder, generated(0, 1)));
      entered.await();
      List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
      for (ScheduledSequence sequence : sequences) {
        results.add(submit(sequence, generated(0, 16)));
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
}
