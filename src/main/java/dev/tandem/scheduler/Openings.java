package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Sequence;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Opens sequences, each as soon as there is room for it. What waits holds no room. If there is none
 * for the first of them, it is taken from others, the cheapest first, but only if it is enough. It
 * belongs to whoever holds the engine, except {@link #load}; openings are the engine thread's own.
 */
final class Openings {
  private final ModelScheduler scheduler;
  private final SchedulerLimits limits;
  private final SchedulerListener listener;
  private final StageRunners runners;
  private final IdleSequences idle;
  private final List<Reclaimable> reclaimable;
  private final long timeoutNanos;
  private final Room room;
  private final OpenQueue queue = new OpenQueue();

  /**
   * Nothing is open yet.
   *
   * @param first what gives room back before idle sequences do, the cheapest first
   */
  Openings(
      ModelScheduler scheduler,
      SchedulerLimits limits,
      Room room,
      SchedulerListener listener,
      StageRunners runners,
      List<Reclaimable> first,
      Turns turns) {
    this.scheduler = scheduler;
    this.limits = limits;
    this.listener = listener;
    this.runners = runners;
    this.idle = new IdleSequences(turns, limits.idleTimeout());
    this.reclaimable = Stream.concat(first.stream(), Stream.of(idle)).toList();
    this.timeoutNanos = SchedulerLimits.nanos(limits.queueTimeout());
    this.room = room;
  }

  SchedulerLoad load() {
    return new SchedulerLoad(room.sequences(), queue.size(), room.bytes());
  }

  boolean isWaiting() {
    return queue.size() > 0;
  }

  /** Takes an opening, which then waits for its turn, or refuses it. */
  void arrived(Opening opening) {
    try {
      if (scheduler.isClosing()) {
        throw ModelScheduler.closing();
      }
      if (opening.lane().isClosed()) {
        throw laneClosed();
      }
      StageRunner runner = runners.of(opening.span());
      Opening sized = opening.withBytes(runner.stateBytes(opening.maxPositions()));
      checkSize(sized);
      if (!queue.add(sized)) {
        throw new ScheduleException(
            Reason.CAPACITY,
            "more than " + OpenQueue.MAX_PER_TENANT + " sequences wait for room; try again later");
      }
    } catch (ScheduleException e) {
      opening.refuse(e);
    } catch (IOException | RuntimeException | Error e) {
      refuse(opening, e);
    }
  }

  private static ScheduleException laneClosed() {
    return new ScheduleException(Reason.CLOSED, "the lane is closed");
  }

  /** Whether the sequence could be opened if it were the only one. */
  private void checkSize(Opening opening) throws ScheduleException {
    long most = Math.min(room.maxBytes(), opening.lane().tenant().maxBytes());
    if (opening.bytes() > most) {
      throw new ScheduleException(
          Reason.LIMIT,
          opening.maxPositions()
              + " positions need "
              + Room.mib(opening.bytes())
              + " of KV cache, at most "
              + Room.mib(most)
              + " may be reserved; ask for fewer positions");
    }
  }

  /** Opens what there is room for, and refuses what has waited for too long. */
  void admit() {
    long now = System.nanoTime();
    List<Opening> late;
    do {
      Opening first = queue.first(opening -> canHaveOwnRoom(opening, now));
      while (first != null && makeRoom(first, now)) {
        queue.removeFirst(first);
        open(first);
        first = queue.first(opening -> canHaveOwnRoom(opening, now));
      }
      late = queue.removeIf(opening -> now - opening.sinceNanos() >= timeoutNanos);
      late.forEach(this::refuseLate);
    } while (!late.isEmpty()); // which may have been in the way of others
  }

  private void refuseLate(Opening opening) {
    String waited =
        timeoutNanos == 0 ? "" : String.format(Locale.ROOT, " within %.1f s", timeoutNanos / 1e9);
    opening.refuse(
        new ScheduleException(
            Reason.CAPACITY,
            "no room for another sequence"
                + waited
                + ": "
                + room.inWords()
                + opening.lane().tenant().inWords()
                + "; try again later"));
  }

  /** Takes room back if that makes enough of it: whether there is enough. */
  private boolean makeRoom(Opening opening, long now) {
    Room.Need need = room.missingFor(opening.bytes());
    if ((!need.isNothing() && !canMeet(need, now)) || !makeOwnRoom(opening, now)) {
      return false;
    }
    need = room.missingFor(opening.bytes()); // its own room was a part of it
    for (Reclaimable each : reclaimable) {
      while (!need.isNothing() && each.giveBackOne(need, now)) {
        need = room.missingFor(opening.bytes());
      }
    }
    return need.isNothing();
  }

  /** Whether the tenant may have as much, at least if it gives up what it does not use. */
  private boolean canHaveOwnRoom(Opening opening, long now) {
    Tenant tenant = opening.lane().tenant();
    long missing = tenant.missingFor(opening.bytes());
    return missing == 0
        || reclaimable.stream().mapToLong(each -> each.availableOf(tenant, now)).sum() >= missing;
  }

  /** Takes back what the tenant does not use, as far as its own limit asks for it. */
  private boolean makeOwnRoom(Opening opening, long now) {
    Tenant tenant = opening.lane().tenant();
    long missing = tenant.missingFor(opening.bytes());
    for (Reclaimable each : reclaimable) {
      while (missing > 0 && each.giveBackOneOf(tenant, now)) {
        missing = tenant.missingFor(opening.bytes());
      }
    }
    return missing == 0;
  }

  private boolean canMeet(Room.Need need, long now) {
    int sequences = 0;
    long bytes = 0;
    for (Reclaimable each : reclaimable) {
      Room.Need available = each.available(now);
      sequences += available.sequences();
      bytes += available.bytes();
    }
    return sequences >= need.sequences() && bytes >= need.bytes();
  }

  private void open(Opening opening) {
    try {
      StageRunner runner = runners.of(opening.span());
      Sequence state = runner.open(opening.maxPositions());
      scheduler.prefixes().restore(runner, state, opening.prefix());
      ScheduledSequence sequence =
          new ScheduledSequence(
              scheduler, opening.lane(), runner, state, limits.maxInFlight(), opening.bytes());
      room.take(opening.bytes());
      opening.lane().tenant().reserve(opening.bytes());
      opening.lane().add(sequence);
      opening.result().complete(sequence);
    } catch (ScheduleException e) {
      opening.refuse(e);
    } catch (IOException | RuntimeException | Error e) {
      refuse(opening, e);
    }
  }

  private void refuse(Opening opening, Throwable cause) {
    String problem = "no room for a sequence of " + opening.maxPositions() + " positions";
    listener.failed(problem, cause);
    opening.refuse(
        new ScheduleException(Reason.CAPACITY, problem + ": " + cause.getMessage(), cause));
  }

  /** A sequence is closed. */
  void ended(ScheduledSequence sequence) {
    room.giveBack(sequence.reservedBytes());
  }

  /** Openings of a lane that is closed wait no longer. */
  void laneClosed(Lane lane) {
    queue.removeIf(opening -> opening.lane().equals(lane)).forEach(o -> o.refuse(laneClosed()));
  }

  /** Nothing is opened any more. */
  void refuseAll(ScheduleException cause) {
    queue.removeIf(opening -> true).forEach(opening -> opening.refuse(cause));
  }

  /** How long until {@link #admit} may do something, unless room is released before. */
  long nanosToNext() {
    if (!isWaiting()) {
      return Long.MAX_VALUE;
    }
    long now = System.nanoTime();
    long waited = now - queue.oldestNanos(now);
    return Math.max(1, Math.min(timeoutNanos - waited, idle.nanosToNext(now)));
  }
}
