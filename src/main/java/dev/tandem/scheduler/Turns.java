package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Whose rows go into the next call: deficit round robin over the tenants. It belongs to whoever
 * holds the engine.
 */
final class Turns {
  static final int MAX_SEQUENCE_ROWS = 16;
  static final int MAX_GENERATED_ROWS = 256;

  private final List<Tenant> tenants = new ArrayList<>();
  private int generatedTenant;
  private int promptTenant;
  private boolean promptVisitBegins = true;

  void add(Lane lane) {
    if (lane.tenant().add(lane)) {
      tenants.add(lane.tenant());
    }
  }

  void remove(Lane lane) {
    if (lane.tenant().remove(lane)) {
      tenants.remove(lane.tenant());
    }
  }

  void forEach(Consumer<ScheduledSequence> action) {
    tenants.forEach(tenant -> tenant.sequences().forEach(action));
  }

  /** Closes all sequences. */
  void endAll(String message) {
    List.copyOf(tenants).forEach(tenant -> tenant.endAll(Reason.CLOSED, message));
  }

  /** Adds the next batch of generated rows: whether there are any. */
  boolean pickGenerated(List<Piece> pieces) {
    int budget = MAX_GENERATED_ROWS;
    int idleVisits = 0;
    while (budget > 0 && idleVisits < tenants.size()) {
      generatedTenant = (generatedTenant + 1) % tenants.size();
      int taken = tenants.get(generatedTenant).takeGenerated(MAX_SEQUENCE_ROWS, budget, pieces);
      budget -= taken;
      idleVisits = taken == 0 ? idleVisits + 1 : 0;
    }
    return !pieces.isEmpty();
  }

  /** Adds the next prompt chunk: whether there is one. */
  boolean pickPrompt(int chunkRows, List<Piece> pieces) {
    for (int visits = 0; visits <= tenants.size() && !tenants.isEmpty(); visits++) {
      promptTenant %= tenants.size();
      if (tenants.get(promptTenant).takePrompt(chunkRows, promptVisitBegins, pieces)) {
        promptVisitBegins = false;
        return true;
      }
      promptTenant++;
      promptVisitBegins = true;
    }
    return false;
  }
}
