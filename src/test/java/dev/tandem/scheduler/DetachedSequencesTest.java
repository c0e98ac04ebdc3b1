package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sequences leave the lane of a client that is gone, and go on in another one. */
@Timeout(60)
class DetachedSequencesTest extends SchedulerFixture {
  private static final Span LAYERS = Span.layers(0, 4);

  @Test
  void aSequenceGoesOnInAnotherLaneWithItsRows() throws Exception {
    Lane first = scheduler.lane();
    ScheduledSequence sequence = first.open(LAYERS, 40).get();
    submit(sequence, prompt(0, 10, true, 0, 0)).get();
    assertThat(sequence.detach().get()).isEqualTo(10);
    first.close();
    assertThat(sequence.moveTo(scheduler.lane()).get()).isEqualTo(10);
    model.onStep(this::record);
    float[] row = floats(submit(sequence, generated(10, 1)).get());
    assertThat(seen).extracting(Seen::position).containsExactly(10);
    ScheduledSequence other = scheduler.lane().open(LAYERS, 40).get();
    submit(other, prompt(0, 10, true, 0, 0)).get();
    assertThat(floats(submit(other, generated(10, 1)).get())).isEqualTo(row);
  }

  /** What waits is dropped, and of a long step no further piece is computed. */
  @Test
  void detachingCancelsWithinOneCall() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(LAYERS, 100).get();
    submit(sequence, generated(0, 4)).get();
    List<CompletableFuture<FloatBuffer>> waiting = new ArrayList<>();
    holdEngine();
    for (int i = 0; i < 4; i++) {
      waiting.add(submit(sequence, generated(4 + i, 1)));
    }
    CompletableFuture<Integer> length = sequence.detach();
    gate.countDown();
    assertThat(length.get()).isEqualTo(4);
    for (CompletableFuture<FloatBuffer> each : waiting) {
      assertThatThrownBy(each::get).satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    }
    assertThat(seen).as("computed after the holder's step").isEmpty();
    assertThat(sequence.moveTo(scheduler.lane()).get()).isEqualTo(4);
    for (int i = 0; i < 4; i++) { // none of the dropped ones counts as in flight
      waiting.set(i, submit(sequence, generated(4 + i, 1)));
    }
    float[] last = floats(waiting.get(3).get());
    float[] alone = alone(false, RowKind.GENERATED, 8);
    assertThat(last).isEqualTo(Arrays.copyOfRange(alone, 7 * D, 8 * D));
  }

  @Test
  void theLengthIsThatOfTheRowsThatWereComputed() throws Exception {
    ModelScheduler wide =
        new ModelScheduler(
            "wide",
            new ToyProvider(64, D, 11, 1_000),
            SchedulerLimits.of(4, 4, 1_000),
            SchedulerListener.NONE);
    try (wide) {
      Lane lane = wide.lane();
      ScheduledSequence sequence = lane.open(LAYERS, 100).get();
      submit(sequence, generated(0, 40)).get();
      CompletableFuture<FloatBuffer> done = submit(sequence, generated(8, 40)); // in pieces of 16
      int length = sequence.detach().get();
      assertThat(length).isIn(24, 40, 48);
      if (!done.isCompletedExceptionally()) {
        assertThat(length).isEqualTo(48);
      }
      assertThatThrownBy(() -> submit(sequence, generated(length + 1, 1)))
          .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.POSITION));
    }
  }

  @Test
  void theOldestGivesItsMemoryToOneThatNeedsIt() throws Exception {
    List<ScheduledSequence> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      all.add(scheduler.lane().open(LAYERS, 10).get());
    }
    assertThatThrownBy(() -> scheduler.lane().open(LAYERS, 10).get())
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CAPACITY));
    all.get(5).detach().get();
    all.get(2).detach().get();
    all.get(3).detach().get();
    all.get(2).moveTo(scheduler.lane()).get();
    scheduler.lane().open(LAYERS, 10).get();
    all.get(5).ended().get(10, TimeUnit.SECONDS);
    assertThatThrownBy(() -> all.get(5).moveTo(scheduler.lane()).get())
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
    scheduler.lane().open(LAYERS, 10).get();
    all.get(3).ended().get(10, TimeUnit.SECONDS);
    assertThat(all.get(2).ended()).isNotDone();
    assertThatThrownBy(() -> scheduler.lane().open(LAYERS, 10).get())
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CAPACITY));
  }

  /** A connection can end before the sequence that it resumes has arrived; another one follows. */
  @Test
  void aLaneThatIsClosedTakesNothing() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(LAYERS, 40).get();
    submit(sequence, prompt(0, 10, true, 0, 0)).get();
    Lane closed = scheduler.lane();
    closed.close();
    assertThat(sequence.moveTo(closed).get()).isEqualTo(10);
    assertThat(sequence.ended()).isNotDone();
    assertThat(sequence.moveTo(scheduler.lane()).get()).isEqualTo(10);
    submit(sequence, generated(10, 1)).get();
  }

  @Test
  void closingTheSchedulerEndsThem() throws Exception {
    ScheduledSequence sequence = scheduler.lane().open(LAYERS, 10).get();
    sequence.detach().get();
    scheduler.close();
    assertThat(sequence.ended()).isDone();
    assertThatThrownBy(() -> sequence.moveTo(scheduler.lane()).get())
        .satisfies(e -> assertThat(reason(e)).isEqualTo(Reason.CLOSED));
  }
}
