package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The unit of fairness: the sequences of one connection, or of one generation. {@link
 * ModelScheduler#lane} returns it; every method may be called by any thread.
 */
public final class Lane {
  private final ModelScheduler scheduler;
  private volatile boolean paused;
  private volatile boolean closed;

  // The rest belongs to whoever holds the engine.
  private final List<ScheduledSequence> sequences = new ArrayList<>();
  private int generatedDeficit;
  private int generatedNext;
  private int promptDeficit;
  private int promptNext;

  Lane(ModelScheduler scheduler) {
    this.scheduler = scheduler;
  }

  /**
   * Opens a sequence in a stage.
   *
   * @param maxPositions positions to reserve
   * @return fails with a {@link ScheduleException}
   */
  public CompletableFuture<ScheduledSequence> open(Span span, int maxPositions) {
    return scheduler.open(this, span, maxPositions);
  }

  /**
   * Computes nothing for this lane until {@link #resume}, because its peer does not read the
   * results.
   */
  public void pause() {
    paused = true;
  }

  /** Continues after {@link #pause}. */
  public void resume() {
    paused = false;
    scheduler.inbox().call();
  }

  /** Frees the lane's sequences as soon as a running step is done; idempotent. */
  public void close() {
    closed = true;
    scheduler.dropLane(this);
  }

  boolean isClosed() {
    return closed;
  }

  // Only for whoever holds the engine, from here on.

  void add(ScheduledSequence sequence) {
    sequences.add(sequence);
  }

  void remove(ScheduledSequence sequence) {
    sequences.remove(sequence);
  }

  List<ScheduledSequence> sequences() {
    return sequences;
  }

  void endAll(Reason reason, String message) {
    for (ScheduledSequence sequence : List.copyOf(sequences)) {
      sequence.end(new ScheduleException(reason, message));
    }
  }

  /**
   * One visit of the deficit round robin over generated rows.
   *
   * @param quantum rows that the visit adds; no piece is larger
   * @param budget rows left in the iteration
   * @return rows taken
   */
  int takeGenerated(int quantum, int budget, List<Piece> out) {
    generatedDeficit += quantum;
    int taken = 0;
    int n = sequences.size();
    for (int i = 0; i < n && !paused; i++) {
      ScheduledSequence sequence = sequences.get((generatedNext + i) % n);
      int rows = sequence.readyRows(RowKind.GENERATED, quantum);
      if (rows == 0 || sequence.isPicked()) {
        continue;
      }
      if (rows > generatedDeficit || taken == budget) {
        generatedNext = (generatedNext + i) % n;
        return taken;
      }
      int cut = Math.min(rows, budget - taken);
      out.add(sequence.pick(cut));
      generatedDeficit -= cut;
      taken += cut;
    }
    generatedDeficit = 0;
    return taken;
  }

  /** One visit of the deficit round robin over prompt chunks; returns whether one was taken. */
  boolean takePrompt(int quantum, boolean newVisit, List<Piece> out) {
    int n = sequences.size();
    for (int i = 0; i < n && !paused; i++) {
      int at = (promptNext + i) % n;
      ScheduledSequence sequence = sequences.get(at);
      int rows = sequence.readyRows(RowKind.PROMPT, quantum);
      if (rows > 0) {
        promptDeficit += newVisit ? quantum : 0;
        if (rows > promptDeficit) {
          return false;
        }
        out.add(sequence.pick(rows));
        promptDeficit -= rows;
        promptNext = (at + 1) % n;
        return true;
      }
    }
    promptDeficit = 0;
    return false;
  }
}
