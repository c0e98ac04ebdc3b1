package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.StageSpec;
import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A sequence whose steps are run in order. Every method may be called by any thread.
 *
 * <p>Steps are checked when they are submitted, against the length that the sequence will have
 * after the earlier steps. A refused step limits that length to its first position. So steps that
 * the client had already sent behind it are refused, too, and cannot continue a wrong text.
 */
public final class ScheduledSequence {
  private final ModelScheduler scheduler;
  private final StageRunner runner;
  private final Sequence sequence;
  private final int chunkRows;
  private final int maxInFlight;
  private final long reservedBytes;
  private final int restored;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final CompletableFuture<String> reclaimed = new CompletableFuture<>();

  // Guarded by this.
  private int expectedLength;
  private int inFlight;
  private boolean closed;

  // The rest belongs to whoever holds the engine.
  private Lane lane;
  private final ArrayDeque<PendingStep> queue = new ArrayDeque<>();
  private final Piece piece = new Piece(this);
  private final Gathering.Pace pace = new Gathering.Pace();
  private boolean picked;
  private long lastStepNanos = System.nanoTime();

  ScheduledSequence(
      ModelScheduler scheduler,
      Lane lane,
      StageRunner runner,
      Sequence sequence,
      int maxInFlight,
      long reservedBytes) {
    this.scheduler = scheduler;
    this.lane = lane;
    this.runner = runner;
    this.sequence = sequence;
    this.chunkRows = scheduler.chunkRows();
    this.maxInFlight = maxInFlight;
    this.reservedBytes = reservedBytes;
    this.restored = sequence.length();
    this.expectedLength = restored;
  }

  /** The stage that it is in. */
  public StageSpec spec() {
    return runner.spec();
  }

  /** Its length when it was opened: positions that had been computed for another sequence. */
  public int restored() {
    return restored;
  }

  /** Positions reserved. */
  int capacity() {
    return sequence.capacity();
  }

  /**
   * Queues a step.
   *
   * @param step its rows, at most C
   * @param data {@code [step.count(), dModel]} from index 0; not to be changed until the step is
   *     done
   * @param done completed by the engine thread with {@code [step.nOut(), outWidth]}, or with a
   *     {@link ScheduleException}; dependent actions must be short. It is the caller's, who can
   *     make them depend on it before the step can be done
   * @throws ScheduleException if the step is refused; the sequence lives on
   */
  public void submit(StepRows step, FloatBuffer data, CompletableFuture<FloatBuffer> done)
      throws ScheduleException {
    submit(step, data, List.of(), done);
  }

  /**
   * Queues a step whose rows are kept for other sequences, if it is a whole chunk of a prompt.
   *
   * @param step its rows, at most C
   * @param data as for {@link #submit(StepRows, FloatBuffer, CompletableFuture)}, and so is {@code
   *     done}
   * @param prefix if this is a whole chunk, and all rows before it are whole chunks of the same run
   *     of prompt rows: the keys of these and of this one, otherwise empty. Equal keys stand for
   *     equal rows, in equal spans
   * @throws ScheduleException if the step is refused; the sequence lives on
   */
  public void submit(
      StepRows step, FloatBuffer data, List<String> prefix, CompletableFuture<FloatBuffer> done)
      throws ScheduleException {
    if (step.count() > chunkRows) {
      refuse(step.position());
      throw new ScheduleException(Reason.LIMIT, "rows " + step.count() + " not in 1.." + chunkRows);
    }
    Batch rows = new Batch();
    rows.add(sequence, step);
    FutureStep pending = new FutureStep(rows, data, spec().outWidth(), prefix, done);
    synchronized (this) {
      accept(pending);
      if (!scheduler.inbox().post(() -> enqueue(pending))) {
        throw closedException();
      }
    }
  }

  /**
   * Queues a step of any number of rows for a caller who then waits for it with {@link
   * ModelScheduler#await}.
   *
   * @param enqueueing runs {@link #enqueue} with the step
   */
  synchronized void submit(WaitedStep step, Runnable enqueueing) throws ScheduleException {
    accept(step);
    if (!scheduler.inbox().postQuietly(enqueueing)) {
      throw closedException();
    }
  }

  private static ScheduleException closedException() {
    return new ScheduleException(Reason.CLOSED, "the sequence is closed");
  }

  private synchronized void refuse(int position) {
    expectedLength = Math.min(expectedLength, position);
  }

  private synchronized void accept(PendingStep step) throws ScheduleException {
    if (closed) {
      throw closedException();
    }
    Batch rows = step.rows();
    int entry = step.entry();
    int position = rows.position(entry);
    int end = position + rows.nRows(entry);
    try {
      check(position, end, rows.kind(entry) == RowKind.PROMPT && !rows.promptEnd(entry));
    } catch (ScheduleException e) {
      refuse(position);
      throw e;
    }
    expectedLength = end;
    inFlight++;
  }

  /** Demands that the sequence begins again at position 0: a step was refused unread. */
  public synchronized void invalidate() {
    expectedLength = 0;
  }

  /** Frees the sequence; waiting steps are dropped. Completes when its memory is returned. */
  public CompletableFuture<Void> close() {
    scheduler.inbox().post(this::endClosed);
    return ended;
  }

  /**
   * Drops the steps that wait, and takes the sequence out of its lane. Its memory is kept until
   * another sequence needs it, or {@link #close}. No step may be submitted before {@link #moveTo}.
   *
   * @return its length, as soon as nothing of it is computed any more; a {@link ScheduleException}
   *     if it is closed
   */
  public CompletableFuture<Integer> detach() {
    return leaveLane(null);
  }

  /**
   * Drops the steps that wait, and continues the sequence in another lane. If that one has been
   * closed meanwhile, the sequence is in no lane, as after {@link #detach}.
   *
   * @return as for {@link #detach}
   */
  public CompletableFuture<Integer> moveTo(Lane other) {
    return leaveLane(other);
  }

  private CompletableFuture<Integer> leaveLane(@Nullable Lane next) {
    CompletableFuture<Integer> result = new CompletableFuture<>();
    if (!scheduler.inbox().post(() -> leaveLaneNow(next, result))) {
      result.completeExceptionally(closedException());
    }
    return result;
  }

  /** Completed once its memory is returned, however that came about. */
  public CompletableFuture<Void> ended() {
    return ended;
  }

  /**
   * Completed with the reason, one clause for people, if the scheduler closes the sequence because
   * another one needs its room.
   */
  public CompletableFuture<String> reclaimed() {
    return reclaimed;
  }

  private void check(int position, int end, boolean mustFillChunk) throws ScheduleException {
    if (inFlight >= maxInFlight) {
      throw new ScheduleException(
          Reason.LIMIT, "more than " + maxInFlight + " steps of a sequence at once");
    }
    if (end > capacity()) {
      throw new ScheduleException(
          Reason.LIMIT,
          "position " + end + " is beyond the " + capacity() + " that the sequence reserved");
    }
    if (position > expectedLength) {
      throw new ScheduleException(
          Reason.POSITION, "first position " + position + " is above the length " + expectedLength);
    }
    if (mustFillChunk && end % chunkRows != 0) {
      throw new ScheduleException(
          Reason.POSITION,
          "prompt rows end at "
              + end
              + ", which is no multiple of C = "
              + chunkRows
              + ", without PROMPT_END");
    }
  }

  /** Memory that it may fill. */
  long reservedBytes() {
    return reservedBytes;
  }

  // Only for whoever holds the engine, from here on.

  /** Whether no step of it waits or is computed. */
  synchronized boolean isIdle() {
    return inFlight == 0;
  }

  /** When its last step was done, or when it was opened. */
  long lastStepNanos() {
    return lastStepNanos;
  }

  /** Closes it for the sake of another one, unless a step has come: whether it did. */
  boolean reclaim(String why) {
    synchronized (this) {
      if (inFlight > 0) {
        return false;
      }
      closed = true;
    }
    end(new ScheduleException(Reason.RECLAIMED, why));
    reclaimed.complete(why);
    return true;
  }

  Lane lane() {
    return lane;
  }

  StageRunner runner() {
    return runner;
  }

  Sequence stageSequence() {
    return sequence;
  }

  Gathering.Pace pace() {
    return pace;
  }

  void enqueue(PendingStep step) {
    if (ended.isDone()) {
      step.failed(closedException());
    } else {
      queue.add(step);
      scheduler.stepCame(this, step.submittedNanos());
    }
  }

  boolean isPicked() {
    return picked;
  }

  /** Rows that could go into the next call: 0 if the next step is of the other kind, or paused. */
  int readyRows(RowKind kind, int limit) {
    PendingStep step = queue.peek();
    if (step == null || lane.isPaused() || step.rows().kind(step.entry()) != kind) {
      return 0;
    }
    return kind == RowKind.GENERATED
        ? Math.min(step.nRows() - step.rowsTaken(), limit)
        : step.rows().leftInChunk(step.entry(), step.rowsTaken(), chunkRows);
  }

  /** Takes rows of the next step into a piece. */
  Piece pick(int nRows) {
    PendingStep step = queue.element();
    picked = true;
    piece.of(step, step.rowsTaken(), nRows);
    step.take(nRows);
    return piece;
  }

  /** The piece picked is computed and its output rows are written. */
  void computed() {
    picked = false;
    if (piece.completesStep()) {
      PendingStep step = queue.remove();
      synchronized (this) {
        inFlight--;
      }
      lastStepNanos = System.nanoTime();
      scheduler.stepDone(this, queue.isEmpty());
      step.completed();
      if (!step.prefix().isEmpty()) {
        scheduler.prefixes().keep(runner, sequence, step.prefix());
      }
    }
  }

  private void leaveLaneNow(@Nullable Lane next, CompletableFuture<Integer> result) {
    if (ended.isDone()) {
      result.completeExceptionally(closedException());
      return;
    }
    lane.remove(this);
    scheduler.detached().remove(this);
    int length = sequence.length();
    int dropped = queue.size();
    synchronized (this) {
      expectedLength = length;
      inFlight = 0;
    }
    scheduler.stepsDropped(this, dropped);
    while (!queue.isEmpty()) {
      queue.remove().failed(closedException());
    }
    if (next == null || next.isClosed()) {
      scheduler.detached().add(this);
    } else {
      lane.tenant().giveBack(reservedBytes());
      lane = next;
      lane.tenant().reserve(reservedBytes());
      lane.add(this);
    }
    result.complete(length);
  }

  /** Whose memory it is. */
  Tenant tenant() {
    return lane.tenant();
  }

  private void endClosed() {
    end(closedException());
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
    scheduler.detached().remove(this);
    sequence.close();
    lane.tenant().giveBack(reservedBytes());
    scheduler.ended(this, queue.size());
    ended.complete(null);
    while (!queue.isEmpty()) {
      queue.remove().failed(cause);
    }
  }
}
