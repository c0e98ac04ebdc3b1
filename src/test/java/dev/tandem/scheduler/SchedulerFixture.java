package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.settings.Output;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StepRows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;

/** A scheduler over a toy model, and ways to hold its engine thread. */
abstract class SchedulerFixture {
  static final int C = 16;
  static final int D = 8;

  /** One entry of a batch that the stage saw. */
  record Seen(int call, int position, int rows, RowKind kind, boolean promptEnd) {}

  final ToyProvider model = new ToyProvider(C, D, 11, 1_000);
  final ModelScheduler scheduler =
      new ModelScheduler("engine", model, SchedulerLimits.of(8, 4, 1_000), SchedulerListener.NONE);
  final List<Seen> seen = new CopyOnWriteArrayList<>();
  final CountDownLatch gate = new CountDownLatch(1);
  final List<CompletableFuture<FloatBuffer>> held = new ArrayList<>();
  private int calls;

  @AfterEach
  void closeScheduler() {
    gate.countDown();
    scheduler.close();
    assertThat(model.openSequences()).isZero();
    assertThat(scheduler.activeSequences()).isZero();
  }

  void record(Batch batch) {
    for (int i = 0; i < batch.size(); i++) {
      seen.add(
          new Seen(calls, batch.position(i), batch.nRows(i), batch.kind(i), batch.promptEnd(i)));
    }
    calls++;
  }

  /** Holds the engine thread in a step of its own until the gate opens; then records. */
  void holdEngine() throws Exception {
    holdEngine(this::record);
  }

  void holdEngine(Consumer<Batch> afterwards) throws Exception {
    ScheduledSequence holder = scheduler.lane().open(Span.layers(0, 4), 100).get();
    CountDownLatch entered = new CountDownLatch(1);
    model.onStep(
        batch -> {
          entered.countDown();
          await(gate);
          model.onStep(afterwards);
        });
    held.add(submit(holder, generated(0, 1)));
    entered.await();
  }

  static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static FloatBuffer rows(int position, int n) {
    FloatBuffer rows = FloatBuffer.allocate(n * D);
    for (int i = 0; i < n * D; i++) {
      rows.put(i, (position * D + i) % 17 * 0.125f);
    }
    return rows;
  }

  /** A step and its input. */
  record Step(StepRows rows, FloatBuffer data) {}

  static Step generated(int position, int n) {
    return new Step(StepRows.generated(position, n, 1), rows(position, n));
  }

  static Step prompt(int position, int n, boolean end, int outBegin, int nOut) {
    return new Step(StepRows.prompt(position, n, end, outBegin, nOut), rows(position, n));
  }

  /** What a stage of its own computes in one call. */
  float[] alone(boolean head, RowKind kind, int n) throws Exception {
    Stage stage = model.open(new Span(0, 4, head ? Output.LOGITS : Output.HIDDEN));
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

  static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  static float[] floats(FloatBuffer buffer) {
    float[] result = new float[buffer.remaining()];
    buffer.get(result);
    return result;
  }

  static Reason reason(Throwable failure) {
    Throwable cause = failure instanceof ExecutionException ? failure.getCause() : failure;
    assertThat(cause).isInstanceOf(ScheduleException.class);
    return cause instanceof ScheduleException e ? e.reason() : Reason.CLOSED;
  }

  static CompletableFuture<FloatBuffer> submit(ScheduledSequence sequence, Step step)
      throws ScheduleException {
    CompletableFuture<FloatBuffer> done = new CompletableFuture<>();
    sequence.submit(step.rows(), step.data(), done);
    return done;
  }

  /** As {@link #submit}; a refusal is a failed future. */
  static CompletableFuture<FloatBuffer> trySubmit(ScheduledSequence sequence, Step step) {
    try {
      return submit(sequence, step);
    } catch (ScheduleException e) {
      return CompletableFuture.failedFuture(e);
    }
  }
}
