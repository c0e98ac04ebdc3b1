package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Sequences that are in no lane: their clients may come back for them. They keep their memory until
 * then, or until another sequence needs it: the one that was left first gives it up first. Belongs
 * to whoever holds the engine.
 */
final class DetachedSequences implements Reclaimable {
  private final Set<ScheduledSequence> sequences = new LinkedHashSet<>();

  void add(ScheduledSequence sequence) {
    sequences.add(sequence);
  }

  void remove(ScheduledSequence sequence) {
    sequences.remove(sequence);
  }

  @Override
  public Room.Need available(long nowNanos) {
    return new Room.Need(
        sequences.size(), sequences.stream().mapToLong(ScheduledSequence::reservedBytes).sum());
  }

  @Override
  public boolean giveBackOne(Room.Need need, long nowNanos) {
    Iterator<ScheduledSequence> oldest = sequences.iterator();
    if (!oldest.hasNext()) {
      return false;
    }
    end(oldest.next());
    return true;
  }

  @Override
  public long availableOf(Tenant tenant, long nowNanos) {
    return sequences.stream()
        .filter(sequence -> sequence.tenant().equals(tenant))
        .mapToLong(ScheduledSequence::reservedBytes)
        .sum();
  }

  @Override
  public boolean giveBackOneOf(Tenant tenant, long nowNanos) {
    for (ScheduledSequence sequence : sequences) {
      if (sequence.tenant().equals(tenant)) {
        end(sequence);
        return true;
      }
    }
    return false;
  }

  private static void end(ScheduledSequence sequence) {
    sequence.end(new ScheduleException(Reason.RECLAIMED, "another one needed its room"));
  }

  void endAll(String message) {
    List.copyOf(sequences).forEach(each -> each.end(new ScheduleException(Reason.CLOSED, message)));
  }
}
