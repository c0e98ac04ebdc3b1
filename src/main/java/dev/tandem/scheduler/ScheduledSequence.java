package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.StageSpec;
import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;

/**
 * A sequence whose steps the engine thread runs in order. Any thread may call every method.
 *
 * <p>Steps are checked when they are submitted, against the length that the sequence will have
 * after the earlier steps. A refused step limits that length to its first position. So steps that
 * the client had already sent behind it are refused, too, and cannot continue a wrong text.
 */
public final class ScheduledSequence {
  private final ModelScheduler scheduler;
  private final Lane lane;
  private final StageRunner runner;
  private final Sequence sequence;
  private final int chunkRows;
  private final int maxInFlight;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();

  // Guarded by this.
  private int expectedLength;
  private int inFlight;
  private boolean closed;

  // The rest belongs to the engine thread.
  private final ArrayDeque<PendingStep> queue = new ArrayDeque<>();
  private boolean picked;

  ScheduledSequence(
      ModelScheduler scheduler,
      Lane lane,
      StageRunner runner,
      Sequence sequence,
      int chunkRows,
      int maxInFlight) {
    this.scheduler = scheduler;
    this.lane = lane;
    this.runner = runner;
    this.sequence = sequence;
    this.chunkRows = chunkRows;
    this.maxInFlight = maxInFlight;
  }

  /** The stage that it is in. */
  public StageSpec spec() {
    return runner.spec();
  }

  /** Positions reserved. */
  public int capacity() {
    return sequence.capacity();
  }

  /**
   * Queues a step.
   *
   * @param step its rows, at most C
   * @param data {@code [step.count(), dModel]} from index 0; not to be changed until the step is
   *     done
   * @param done completed by the engine thread with {@code [step.wanted(), outWidth]}, or with a
   *     {@link ScheduleException}; dependent actions must be short. It is the caller's, who can
   *     make them depend on it before the step can be done
   * @throws ScheduleException if the step is refused; the sequence lives on
   */
  public void submit(StepRows step, FloatBuffer data, CompletableFuture<FloatBuffer> done)
      throws ScheduleException {
    PendingStep pending = new PendingStep(step, data, spec().outWidth(), done);
    synchronized (this) {
      if (closed) {
        throw new ScheduleException(Reason.CLOSED, "the sequence is closed");
      }
      try {
        check(step);
      } catch (ScheduleException e) {
        expectedLength = Math.min(expectedLength, step.position());
        throw e;
      }
      expectedLength = step.end();
      inFlight++;
      scheduler.post(() -> enqueue(pending));
    }
  }

  /** Demands that the sequence begins again at position 0: a step was refused unread. */
  public synchronized void invalidate() {
    expectedLength = 0;
  }

  /** Frees the sequence; waiting steps are dropped. Completes when its memory is returned. */
  public CompletableFuture<Void> close() {
    scheduler.post(() -> end(new ScheduleException(Reason.CLOSED, "the sequence is closed")));
    return ended;
  }

  private void check(StepRows step) throws ScheduleException {
    int end = step.end();
    if (inFlight >= maxInFlight) {
      throw new ScheduleException(
          Reason.LIMIT, "more than " + maxInFlight + " steps of a sequence at once");
    }
    if (step.count() > chunkRows) {
      throw new ScheduleException(Reason.LIMIT, "rows " + step.count() + " not in 1.." + chunkRows);
    }
    if (end > capacity()) {
      throw new ScheduleException(
          Reason.LIMIT,
          "position " + end + " is beyond the " + capacity() + " that the sequence reserved");
    }
    if (step.position() > expectedLength) {
      throw new ScheduleException(
          Reason.POSITION,
          "first position " + step.position() + " is above the length " + expectedLength);
    }
    if (step.kind() == RowKind.PROMPT && !step.promptEnd() && end % chunkRows != 0) {
      throw new ScheduleException(
          Reason.POSITION,
          "prompt rows end at "
              + end
              + ", which is no multiple of C = "
              + chunkRows
              + ", without PROMPT_END");
    }
  }

  // Engine thread only, from here on.

  Lane lane() {
    return lane;
  }

  StageRunner runner() {
    return runner;
  }

  Sequence stageSequence() {
    return sequence;
  }

  private void enqueue(PendingStep step) {
    if (ended.isDone()) {
      step.done()
          .completeExceptionally(new ScheduleException(Reason.CLOSED, "the sequence is closed"));
    } else {
      queue.add(step);
    }
  }

  boolean hasWork() {
    return !queue.isEmpty();
  }

  boolean isPicked() {
    return picked;
  }

  /** Rows that could go into the next call: 0 if the next step is of the other kind. */
  int readyRows(RowKind kind, int limit) {
    PendingStep step = queue.peek();
    if (step == null || step.rows().kind() != kind) {
      return 0;
    }
    return kind == RowKind.GENERATED
        ? Math.min(step.rows().count() - step.rowsTaken(), limit)
        : step.rows().leftInChunk(step.rowsTaken(), chunkRows);
  }

  /** Takes rows of the next step into a piece. */
  Piece pick(int nRows) {
    PendingStep step = queue.element();
    picked = true;
    Piece piece = new Piece(this, step, step.rowsTaken(), step.rows().cut(step.rowsTaken(), nRows));
    step.take(nRows);
    return piece;
  }

  /** The piece picked is computed: its wanted rows are at {@code index} of {@code out}. */
  void computed(Piece piece, FloatBuffer out, int index) {
    picked = false;
    piece.step().append(out, index, piece.rows().wanted());
    if (piece.completesStep()) {
      queue.remove();
      synchronized (this) {
        inFlight--;
      }
      piece.step().complete();
    }
  }

  /** Fails what is queued and frees the state; idempotent. */
  void end(ScheduleException cause) {
    if (ended.isDone()) {
      return;
    }
    synchronized (this) {
      closed = true;
    }
    lane.remove(this);
    sequence.close();
    scheduler.ended(runner);
    ended.complete(null);
    for (PendingStep step : queue) {
      step.done().completeExceptionally(cause);
    }
    queue.clear();
  }
}
