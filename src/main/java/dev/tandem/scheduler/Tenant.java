package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.RowKind;
import java.util.ArrayList;
import java.util.List;

/**
 * The unit of fairness: whoever has one API key, or one connection where there are no keys, or runs
 * one generation. However many lanes a tenant has, its rows count together, and its sequences take
 * turns at them. {@link ModelScheduler#tenant} returns it; every method may be called by any
 * thread.
 */
public final class Tenant {
  private final ModelScheduler scheduler;
  private final long maxBytes;

  // The rest belongs to whoever holds the engine.
  private final List<Lane> lanes = new ArrayList<>();
  private final List<ScheduledSequence> sequences = new ArrayList<>();
  private int generatedDeficit;
  private int generatedNext;
  private int promptDeficit;
  private int promptNext;
  private long bytes;

  /**
   * A tenant.
   *
   * @param maxBytes memory that its sequences may reserve together
   */
  Tenant(ModelScheduler scheduler, long maxBytes) {
    this.scheduler = scheduler;
    this.maxBytes = maxBytes;
  }

  long maxBytes() {
    return maxBytes;
  }

  /** Creates a lane. */
  public Lane lane() {
    return scheduler.lane(this);
  }

  // Only for whoever holds the engine, from here on.

  /** Adds a lane: whether it is the first one. */
  boolean add(Lane lane) {
    lanes.add(lane);
    return lanes.size() == 1;
  }

  /** Removes a lane; idempotent: whether it was the last one. */
  boolean remove(Lane lane) {
    return lanes.remove(lane) && lanes.isEmpty();
  }

  void add(ScheduledSequence sequence) {
    sequences.add(sequence);
  }

  void remove(ScheduledSequence sequence) {
    sequences.remove(sequence);
  }

  /** Counts the memory of a sequence, which it may keep without a lane. */
  void reserve(long sequenceBytes) {
    bytes += sequenceBytes;
  }

  void giveBack(long sequenceBytes) {
    bytes -= sequenceBytes;
  }

  /** What another sequence of that size lacks under the tenant's own limit; not below 0. */
  long missingFor(long sequenceBytes) {
    return Math.max(0, sequenceBytes - (maxBytes - bytes));
  }

  /** What it has of a limit of its own, in words that follow others. */
  String inWords() {
    return maxBytes == Long.MAX_VALUE
        ? ""
        : "; this client has " + Room.mib(bytes) + " of its " + Room.mib(maxBytes);
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
    for (int i = 0; i < n; i++) {
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
    for (int i = 0; i < n; i++) {
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
