package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.stage.Batch;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.StepRows;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A scheduler as a stage: bits, batches, who computes, leaving, failing. */
@Timeout(60)
class ScheduledStageTest extends SchedulerFixture {
  private static final int VOCAB = 11;
  private static final int THREADS = 8;

  private final ScheduledStage stage = new ScheduledStage(scheduler, Span.whole(4));

  private static float[] step(ScheduledStage stage, Sequence sequence, StepRows rows)
      throws IOException {
    Batch batch = new Batch();
    batch.add(sequence, rows);
    FloatBuffer in = direct(rows.count() * D);
    in.put(0, rows(rows.position(), rows.count()), 0, in.capacity());
    FloatBuffer out = direct(rows.nOut() * stage.spec().outWidth());
    stage.step(batch, in, out);
    float[] result = new float[out.capacity()];
    out.get(0, result);
    return result;
  }

  private float[] step(Sequence sequence, StepRows rows) throws IOException {
    return step(stage, sequence, rows);
  }

  @Test
  void promptsAreCutAndGiveTheBitsOfAStageAlone() throws Exception {
    model.onStep(this::record);
    int n = 3 * C + 5;
    try (Sequence sequence = stage.openSequence(n)) {
      assertThat(step(sequence, StepRows.prompt(0, n, true, 0, n)))
          .isEqualTo(alone(true, RowKind.PROMPT, n));
      assertThat(sequence.length()).isEqualTo(n);
      assertThat(seen).extracting(Seen::rows).startsWith(C, C, C, 5);
      assertThat(seen).extracting(Seen::promptEnd).startsWith(false, false, false, true);
    }
  }

  @Test
  void manyThreadsGetTheBitsThatEachHasAlone() throws Exception {
    long seed = 11;
    int n = 90;
    float[] expected = alone(true, RowKind.GENERATED, n);
    List<CompletableFuture<Void>> users = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      Random random = new Random(seed + i);
      users.add(
          onThread(
              () -> {
                try (Sequence sequence = stage.openSequence(n)) {
                  for (int at = 0; at < n; ) {
                    // Truncates now and then, as a draft that was wrong does.
                    at = Math.max(0, at - random.nextInt(4));
                    int rows = Math.min(1 + random.nextInt(20), n - at);
                    float[] got = step(sequence, StepRows.generated(at, rows, rows));
                    assertThat(got)
                        .as("seed %d", seed)
                        .isEqualTo(Arrays.copyOfRange(expected, at * VOCAB, (at + rows) * VOCAB));
                    at += rows;
                  }
                }
              }));
    }
    CompletableFuture.allOf(users.toArray(CompletableFuture[]::new)).get();
    assertThat(scheduler.activeSequences()).isZero();
  }

  @Test
  void severalSequencesInOneBatchAreOneCall() throws Exception {
    List<Sequence> sequences = new ArrayList<>();
    Batch batch = new Batch();
    for (int i = 0; i < 3; i++) {
      sequences.add(stage.openSequence(20));
      batch.add(sequences.get(i), StepRows.generated(0, 1 + i, 1));
    }
    FloatBuffer in = direct(batch.totalRows() * D);
    for (int i = 0, at = 0; i < 3; at += (1 + i++) * D) {
      in.put(at, rows(0, 1 + i), 0, (1 + i) * D);
    }
    FloatBuffer out = direct(batch.totalOut() * VOCAB);
    model.onStep(this::record);
    stage.step(batch, in, out);
    float[] expected = alone(true, RowKind.GENERATED, 3);
    float[] got = new float[out.capacity()];
    out.get(0, got);
    assertThat(got).isEqualTo(expected); // row i of the longest is the last row of the i-th
    assertThat(seen).filteredOn(s -> s.call() == 0).hasSize(3);
    sequences.forEach(Sequence::close);
  }

  @Test
  void waitingStepsOfManyThreadsAreOneCall() throws Exception {
    List<Sequence> sequences = new ArrayList<>();
    for (int i = 0; i < 7; i++) { // and the holder
      sequences.add(stage.openSequence(10));
    }
    holdEngine();
    List<CompletableFuture<Void>> users = new ArrayList<>();
    for (Sequence sequence : sequences) {
      users.add(onThread(() -> step(sequence, StepRows.generated(0, 1, 1))));
    }
    for (Thread thread : threads) {
      awaitParked(thread);
    }
    gate.countDown();
    CompletableFuture.allOf(users.toArray(CompletableFuture[]::new)).get();
    assertThat(seen).hasSize(7).allMatch(s -> s.call() == 0);
    sequences.forEach(Sequence::close);
  }

  /** So that a generation alone pays no change of threads. */
  @Test
  void theCallerComputesWhereTheEngineIsIdle() throws Exception {
    List<Thread> computing = new CopyOnWriteArrayList<>();
    try (Sequence sequence = stage.openSequence(50)) {
      model.onStep(batch -> computing.add(Thread.currentThread()));
      for (int i = 0; i < 50; i++) {
        step(sequence, StepRows.generated(i, 1, 1));
      }
    }
    // The thread that opened the sequence may still have been awake for the first ones.
    assertThat(computing).hasSize(50);
    assertThat(computing.subList(40, 50)).containsOnly(Thread.currentThread());
  }

  @Test
  void closingASequenceEndsItsStep() throws Exception {
    Sequence sequence = stage.openSequence(10);
    holdEngine();
    CompletableFuture<Void> user = onThread(() -> step(sequence, StepRows.generated(0, 1, 1)));
    awaitParked(threads.get(0));
    CompletableFuture<Void> closing = onThread(sequence::close);
    awaitParked(threads.get(1));
    assertThat(user).isNotDone();
    gate.countDown();
    closing.get(10, TimeUnit.SECONDS);
    assertThatThrownBy(user::get).hasCauseInstanceOf(IllegalStateException.class);
    assertThat(seen).as("what was closed is not computed").isEmpty();
    assertThat(scheduler.activeSequences()).isEqualTo(1);
    assertThatThrownBy(() -> step(sequence, StepRows.generated(0, 1, 1)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(sequence::length).isInstanceOf(IllegalStateException.class);
    sequence.close();
  }

  @Test
  void interruptingAThreadThatWaitsEndsItsStep() throws Exception {
    Sequence sequence = stage.openSequence(10);
    Sequence neighbour = stage.openSequence(10);
    holdEngine();
    AtomicReference<Boolean> flag = new AtomicReference<>(false);
    CompletableFuture<Void> user =
        onThread(
            () -> {
              try {
                step(sequence, StepRows.generated(0, 1, 1));
              } finally {
                flag.set(Thread.currentThread().isInterrupted());
              }
            });
    CompletableFuture<Void> other = onThread(() -> step(neighbour, StepRows.generated(0, 1, 1)));
    awaitParked(threads.get(0));
    awaitParked(threads.get(1));
    threads.get(0).interrupt();
    awaitClosed(sequence);
    awaitParked(threads.get(0));
    gate.countDown();
    assertThatThrownBy(user::get).hasCauseInstanceOf(InterruptedIOException.class);
    assertThat(flag.get()).as("still interrupted").isTrue();
    other.get();
    assertThat(seen).hasSize(1);
    assertThatThrownBy(() -> step(sequence, StepRows.generated(0, 1, 1)))
        .isInstanceOf(IllegalStateException.class);
    neighbour.close();
  }

  @Test
  void aStepOfAnInterruptedThreadAloneIsComputed() throws Exception {
    try (Sequence sequence = stage.openSequence(10)) {
      step(sequence, StepRows.generated(0, 1, 1));
      Thread.currentThread().interrupt();
      // Whether it waited for another thread is up to the scheduler: then it would say so.
      try {
        assertThat(step(sequence, StepRows.generated(1, 1, 1))).hasSize(VOCAB);
      } catch (InterruptedIOException e) {
        assertThatThrownBy(() -> step(sequence, StepRows.generated(0, 1, 1)))
            .isInstanceOf(IllegalStateException.class);
      }
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void closingTheStageOrTheSchedulerEndsStepsUnderWay() throws Exception {
    ScheduledStage other = new ScheduledStage(scheduler, Span.layers(1, 3));
    Sequence first = other.openSequence(10);
    Sequence second = stage.openSequence(10);
    holdEngine();
    CompletableFuture<Void> one = onThread(() -> step(other, first, StepRows.generated(0, 1, 1)));
    CompletableFuture<Void> two = onThread(() -> step(second, StepRows.generated(0, 1, 1)));
    awaitParked(threads.get(0));
    awaitParked(threads.get(1));
    CompletableFuture<Void> closing = onThread(other::close);
    awaitParked(threads.get(2));
    gate.countDown();
    closing.get();
    assertThatThrownBy(one::get).hasCauseInstanceOf(IllegalStateException.class);
    two.get();
    assertThatThrownBy(() -> other.openSequence(1)).isInstanceOf(IllegalStateException.class);
    scheduler.close();
    assertThatThrownBy(() -> step(second, StepRows.generated(1, 1, 1)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> stage.openSequence(1)).isInstanceOf(IOException.class);
    second.close();
  }

  @Test
  void aFailedStepIsAnErrorOfItsCallerAlone() throws Exception {
    Sequence bad = stage.openSequence(20);
    Sequence good = stage.openSequence(20);
    IllegalStateException cause = new IllegalStateException("seven");
    model.onStep(
        batch -> {
          for (int i = 0; i < batch.size(); i++) {
            if (batch.nRows(i) == 7) {
              throw cause;
            }
          }
        });
    assertThatThrownBy(() -> step(bad, StepRows.generated(0, 7, 1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("seven")
        .hasRootCause(cause);
    assertThatThrownBy(() -> step(bad, StepRows.generated(0, 1, 1)))
        .isInstanceOf(IllegalStateException.class);
    assertThat(step(good, StepRows.generated(0, 3, 3)))
        .isEqualTo(alone(true, RowKind.GENERATED, 3));
    bad.close();
    good.close();
  }

  @Test
  void whatDoesNotFitIsRefusedAndTheSequenceLivesOn() throws Exception {
    assertThatThrownBy(() -> new ScheduledStage(scheduler, Span.layers(0, 5)))
        .isInstanceOf(MissingSpanException.class);
    assertThatThrownBy(() -> stage.openSequence(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> stage.openSequence(1_001))
        .isInstanceOf(IllegalArgumentException.class);
    ScheduledStage other = new ScheduledStage(scheduler, Span.whole(4));
    try (Sequence sequence = stage.openSequence(C);
        Sequence foreign = other.openSequence(C)) {
      for (StepRows wrong :
          List.of(
              StepRows.generated(1, 1, 1),
              StepRows.generated(0, C + 1, 1),
              StepRows.prompt(0, 3, false, 0, 0))) {
        assertThatThrownBy(() -> step(sequence, wrong))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThatThrownBy(() -> step(foreign, StepRows.generated(0, 1, 1)))
          .isInstanceOf(IllegalArgumentException.class);
      Batch twice = new Batch();
      twice.add(sequence, StepRows.generated(0, 1, 1));
      twice.add(sequence, StepRows.generated(0, 1, 1));
      holdEngine(); // or the first of the two would be done before the second comes
      CompletableFuture<Void> user =
          onThread(() -> stage.step(twice, direct(2 * D), direct(2 * VOCAB)));
      awaitParked(threads.get(0));
      gate.countDown();
      assertThatThrownBy(user::get).hasCauseInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> stage.step(twice, FloatBuffer.allocate(2 * D), direct(2 * VOCAB)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> stage.step(twice, direct(2 * D), direct(2 * VOCAB - 1)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(step(sequence, StepRows.generated(0, 3, 3)))
          .isEqualTo(alone(true, RowKind.GENERATED, 3));
    }
  }

  @Test
  void moreSequencesThanThereMayBeAreRefused() throws Exception {
    List<Sequence> sequences = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      sequences.add(stage.openSequence(4));
    }
    assertThatThrownBy(() -> stage.openSequence(4))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("all 8");
    sequences.get(0).close();
    stage.openSequence(4).close();
    sequences.forEach(Sequence::close);
  }

  private final List<Thread> threads = new CopyOnWriteArrayList<>();

  private interface Action {
    void run() throws Exception;
  }

  private CompletableFuture<Void> onThread(Action action) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                action.run();
                done.complete(null);
              } catch (Throwable e) {
                done.completeExceptionally(e);
              }
            });
    threads.add(thread);
    thread.start();
    return done;
  }

  private static void awaitClosed(Sequence sequence) throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    for (int i = 0; i < 30_000; i++) {
      try {
        assertThat(sequence.length()).isZero();
      } catch (IllegalStateException e) {
        return;
      }
      assertThat(never.await(1, TimeUnit.MILLISECONDS)).isFalse();
    }
    throw new AssertionError("not closed");
  }

  private static void awaitParked(Thread thread) throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    for (int i = 0; i < 30_000 && thread.getState() != Thread.State.WAITING; i++) {
      assertThat(never.await(1, TimeUnit.MILLISECONDS)).isFalse();
    }
    assertThat(thread.getState()).isEqualTo(Thread.State.WAITING);
  }
}
