package dev.tandem.scheduler;

import static dev.tandem.ThreadPerTask.THREADS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.settings.Output;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one sequence gets: chunks, order, limits, the bits of a run alone. */
@Timeout(60)
class ModelSchedulerTest extends SchedulerFixture {
  @Test
  void promptsAreCutAtMultiplesOfCAndReassembled() throws Exception {
    model.onStep(this::record);
    int n = 3 * C + 5;
    ScheduledSequence sequence = scheduler.lane().open(Span.whole(4), n).get();
    List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
    for (int at = 0; at < n; at += C) {
      int rows = Math.min(C, n - at);
      results.add(submit(sequence, prompt(at, rows, at + rows == n, 0, rows)));
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
    ScheduledSequence sequence = scheduler.lane().open(Span.layers(0, 4), 100).get();
    submit(sequence, prompt(0, 5, true, 0, 0)).get();
    model.onStep(this::record);
    float[] result = floats(submit(sequence, prompt(5, C, true, 9, 4)).get());
    assertThat(result).hasSize(4 * D);
    assertThat(seen).extracting(Seen::position).containsExactly(5, C);
    assertThat(seen).extracting(Seen::rows).containsExactly(C - 5, 5);
    assertThat(seen).extracting(Seen::promptEnd).containsExactly(false, true);
  }

  @Test
  void stepsThatDoNotContinueAreRefusedAndSoAreThoseSentAfterThem() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(Span.layers(0, 4), 40).get();
    submit(sequence, generated(0, 10)).get();
    assertThatThrownBy(() -> submit(sequence, generated(11, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
    assertThatThrownBy(() -> submit(sequence, prompt(4, 3, false, 0, 0)))
        .hasMessageContaining("PROMPT_END")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
    assertThatThrownBy(() -> submit(sequence, generated(7, 1)))
        .as("row 4 was refused, so 7 would continue something else")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
    assertThatThrownBy(() -> submit(sequence, generated(0, 17)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LIMIT));
    submit(sequence, generated(0, 16)).get();
    submit(sequence, generated(16, 16)).get();
    assertThatThrownBy(() -> submit(sequence, generated(32, 9)))
        .hasMessageContaining("beyond the 40")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LIMIT));
    sequence.invalidate();
    assertThatThrownBy(() -> submit(sequence, generated(1, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
  }

  @Test
  void truncationGivesTheBitsOfARunWithoutIt() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(Span.layers(0, 4), 40).get();
    submit(sequence, generated(0, 12)).get();
    submit(sequence, generated(5, 3)).get();
    submit(sequence, generated(3, 6)).get();
    float[] last = floats(submit(sequence, generated(9, 1)).get());
    float[] alone = alone(false, RowKind.GENERATED, 10);
    assertThat(last).isEqualTo(Arrays.copyOfRange(alone, 9 * D, 10 * D));
  }

  @Test
  void atMostFourStepsAreInFlight() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence sequence = lane.open(Span.layers(0, 4), 40).get();
    holdEngine();
    for (int i = 0; i < 4; i++) {
      held.add(submit(sequence, generated(i, 1)));
    }
    assertThatThrownBy(() -> submit(sequence, generated(4, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LIMIT));
  }

  @Test
  void layersAndCapacityAreRefusedWithBothValues() throws Exception {
    Lane lane = scheduler.lane();
    assertThatThrownBy(lane.open(Span.layers(0, 5), 40)::get)
        .hasMessageContaining("0:5")
        .hasMessageContaining("0:4")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LAYERS));
    assertThatThrownBy(lane.open(Span.whole(3), 40)::get)
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.LAYERS));
    for (int i = 0; i < 8; i++) {
      lane.open(new Span(i % 5, 4, i % 2 == 0 ? Output.LOGITS : Output.HIDDEN), 40).get();
    }
    assertThatThrownBy(lane.open(Span.layers(0, 4), 40)::get)
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CAPACITY));
    assertThat(scheduler.activeSequences()).isEqualTo(8);
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
      ScheduledSequence sequence = lanes[i % 3].open(Span.layers(0, 4), n).get();
      int[] cuts = IntStream.generate(() -> 1 + random.nextInt(16)).limit(n).toArray();
      clients.add(
          CompletableFuture.runAsync(
              () -> {
                for (int at = 0, cut = 0; at < n; cut++) {
                  int rows = Math.min(cuts[cut], n - at);
                  float[] last = floats(trySubmit(sequence, generated(at, rows)).join());
                  at += rows;
                  assertThat(last)
                      .as("seed %d", seed)
                      .isEqualTo(Arrays.copyOfRange(expected, (at - 1) * D, at * D));
                }
              },
              THREADS));
    }
    CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).get();
  }

  @Test
  void closingRefusesNewWork() throws Exception {
    Lane lane = scheduler.lane();
    ScheduledSequence sequence = lane.open(Span.layers(0, 4), 40).get();
    scheduler.close();
    assertThatThrownBy(() -> submit(sequence, generated(0, 1)))
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    assertThatThrownBy(lane.open(Span.layers(0, 4), 40)::get)
        .hasMessageContaining("the model is being closed")
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSING));
  }

  /** The order to stop is then found in the queue, before there is nothing left to wait for. */
  @Test
  void closingDuringAStepLongerThanTheDrainEnds() throws Exception {
    ModelScheduler impatient =
        new ModelScheduler(
            "impatient", model, SchedulerLimits.of(1, 4, 10), SchedulerListener.NONE);
    ScheduledSequence sequence = impatient.lane().open(Span.layers(0, 4), 1).get();
    CountDownLatch entered = new CountDownLatch(1);
    model.onStep(
        batch -> {
          entered.countDown();
          await(gate);
        });
    CompletableFuture<FloatBuffer> result = submit(sequence, generated(0, 1));
    entered.await();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(impatient::close, THREADS);
    Thread.sleep(200); // many drains, so that the order to stop is in the queue
    gate.countDown();
    closing.get(10, TimeUnit.SECONDS);
    assertThat(floats(result.get())).hasSize(D);
  }
}
