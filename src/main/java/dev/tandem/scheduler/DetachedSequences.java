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
final class DetachedSequences {
  private final Set<ScheduledSequence> sequences = new LinkedHashSet<>();

  void add(ScheduledSequence sequence) {
    sequences.add(sequence);
  }

  void remove(ScheduledSequence sequence) {
    sequences.remove(sequence);
  }

  /** Gives the memory of the oldest one back: whether there was one. */
  boolean endOldest() {
    Iterator<ScheduledSequence> oldest = sequences.iterator();
    if (!oldest.hasNext()) {
      return false;
    }
    oldest.next().end(new ScheduleException(Reason.CLOSED, "another sequence needed its memory"));
    return true;
  }

  void endAll(String message) {
    List.copyOf(sequences).forEach(each -> each.end(new ScheduleException(Reason.CLOSED, message)));
  }
}
