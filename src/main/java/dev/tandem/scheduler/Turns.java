package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Whose rows go into the next call: deficit round robin over the lanes. It belongs to whoever holds
 * the engine.
 */
final class Turns {
  static final int MAX_SEQUENCE_ROWS = 16;
  static final int MAX_GENERATED_ROWS = 256;

  private final List<Lane> lanes = new ArrayList<>();
  private int generatedLane;
  private int promptLane;
  private boolean promptVisitBegins = true;

  void add(Lane lane) {
    lanes.add(lane);
  }

  void remove(Lane lane) {
    lanes.remove(lane);
  }

  void forEach(Consumer<ScheduledSequence> action) {
    lanes.forEach(lane -> lane.sequences().forEach(action));
  }

  /** Closes all sequences. */
  void endAll(String message) {
    List.copyOf(lanes).forEach(lane -> lane.endAll(Reason.CLOSED, message));
  }

  /** Adds the next batch of generated rows: whether there are any. */
  boolean pickGenerated(List<Piece> pieces) {
    int budget = MAX_GENERATED_ROWS;
    int idleVisits = 0;
    while (budget > 0 && idleVisits < lanes.size()) {
      generatedLane = (generatedLane + 1) % lanes.size();
      int taken = lanes.get(generatedLane).takeGenerated(MAX_SEQUENCE_ROWS, budget, pieces);
      budget -= taken;
      idleVisits = taken == 0 ? idleVisits + 1 : 0;
    }
    return !pieces.isEmpty();
  }

  /** Adds the next prompt chunk: whether there is one. */
  boolean pickPrompt(int chunkRows, List<Piece> pieces) {
    for (int visits = 0; visits <= lanes.size() && !lanes.isEmpty(); visits++) {
      promptLane %= lanes.size();
      if (lanes.get(promptLane).takePrompt(chunkRows, promptVisitBegins, pieces)) {
        promptVisitBegins = false;
        return true;
      }
      promptLane++;
      promptVisitBegins = true;
    }
    return false;
  }
}
