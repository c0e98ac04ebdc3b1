package dev.tandem.scheduler;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Sequences that had no step for some time. The one that waited longest for a step is closed first.
 */
final class IdleSequences implements Reclaimable {
  private final Turns turns;
  private final Duration timeout;
  private final long timeoutNanos;

  IdleSequences(Turns turns, Duration timeout) {
    this.turns = turns;
    this.timeout = timeout;
    this.timeoutNanos = SchedulerLimits.nanos(timeout);
  }

  private List<ScheduledSequence> idle(long nowNanos) {
    List<ScheduledSequence> idle = new ArrayList<>();
    turns.forEach(
        sequence -> {
          if (sequence.isIdle() && nowNanos - sequence.lastStepNanos() >= timeoutNanos) {
            idle.add(sequence);
          }
        });
    return idle;
  }

  private List<ScheduledSequence> idleOf(Tenant tenant, long nowNanos) {
    return idle(nowNanos).stream().filter(sequence -> sequence.tenant().equals(tenant)).toList();
  }

  @Override
  public Room.Need available(long nowNanos) {
    List<ScheduledSequence> idle = idle(nowNanos);
    return new Room.Need(idle.size(), bytes(idle));
  }

  @Override
  public boolean giveBackOne(Room.Need need, long nowNanos) {
    return giveBackLongestOf(idle(nowNanos), need.sequences() > 0);
  }

  @Override
  public long availableOf(Tenant tenant, long nowNanos) {
    return bytes(idleOf(tenant, nowNanos));
  }

  @Override
  public boolean giveBackOneOf(Tenant tenant, long nowNanos) {
    return giveBackLongestOf(idleOf(tenant, nowNanos), false);
  }

  private static long bytes(List<ScheduledSequence> sequences) {
    return sequences.stream().mapToLong(ScheduledSequence::reservedBytes).sum();
  }

  /**
   * Closes the one that waited longest for a step: whether there was one.
   *
   * @param empty whether one that holds no memory helps, too
   */
  private boolean giveBackLongestOf(List<ScheduledSequence> idle, boolean empty) {
    ScheduledSequence longest = null;
    for (ScheduledSequence sequence : idle) {
      if ((empty || sequence.reservedBytes() > 0)
          && (longest == null || sequence.lastStepNanos() - longest.lastStepNanos() < 0)) {
        longest = sequence;
      }
    }
    return longest != null
        && longest.reclaim(
            "it had no step for " + timeout.toSeconds() + " s, and another one needed its room");
  }

  /** How long until another sequence has been idle for long enough; the longest time if never. */
  long nanosToNext(long nowNanos) {
    long[] next = {Long.MAX_VALUE};
    turns.forEach(
        sequence -> {
          long left = timeoutNanos - (nowNanos - sequence.lastStepNanos());
          if (left > 0 && sequence.isIdle()) {
            next[0] = Math.min(next[0], left);
          }
        });
    return next[0];
  }
}
