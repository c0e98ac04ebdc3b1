package dev.tandem.scheduler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Openings that wait for room: those of a tenant in their order, and the tenants in turn. The first
 * one stays the first until there is room for it, so that small ones do not overtake a large one.
 * It belongs to whoever holds the engine, except {@link #size}.
 */
final class OpenQueue {
  static final int MAX_PER_TENANT = 64;

  /** Never with an empty queue; the tenant whose turn it is comes first. */
  private final Map<Tenant, ArrayDeque<Opening>> waiting = new LinkedHashMap<>();

  private final AtomicInteger size = new AtomicInteger();

  int size() {
    return size.get();
  }

  /** Adds an opening: whether its tenant may have another one here. */
  boolean add(Opening opening) {
    ArrayDeque<Opening> queue =
        waiting.computeIfAbsent(opening.lane().tenant(), tenant -> new ArrayDeque<>());
    if (queue.size() == MAX_PER_TENANT) {
      return false;
    }
    queue.add(opening);
    size.incrementAndGet();
    return true;
  }

  /**
   * The opening whose turn it is: of the first tenant who may have as much; null if none is.
   *
   * @param allowed whether an opening's tenant may have as much
   */
  @Nullable Opening first(Predicate<Opening> allowed) {
    for (ArrayDeque<Opening> queue : waiting.values()) {
      Opening head = queue.element();
      if (allowed.test(head)) {
        return head;
      }
    }
    return null;
  }

  /** Removes what {@link #first} returned; its tenant's turn is over. */
  void removeFirst(Opening first) {
    Tenant tenant = first.lane().tenant();
    ArrayDeque<Opening> queue = waiting.remove(tenant);
    if (queue == null || !first.equals(queue.poll())) {
      throw new IllegalStateException("the opening was not the first");
    }
    size.decrementAndGet();
    if (!queue.isEmpty()) {
      waiting.put(tenant, queue);
    }
  }

  /** Removes openings. */
  List<Opening> removeIf(Predicate<Opening> condition) {
    List<Opening> removed = new ArrayList<>();
    for (Iterator<ArrayDeque<Opening>> each = waiting.values().iterator(); each.hasNext(); ) {
      ArrayDeque<Opening> queue = each.next();
      queue.stream().filter(condition).forEach(removed::add);
      queue.removeIf(condition);
      if (queue.isEmpty()) {
        each.remove();
      }
    }
    size.addAndGet(-removed.size());
    return removed;
  }

  /** When the one was asked for that waits longest; of an empty queue, {@code otherwise}. */
  long oldestNanos(long otherwise) {
    long oldest = otherwise;
    for (ArrayDeque<Opening> queue : waiting.values()) {
      long since = queue.element().sinceNanos();
      oldest = since - oldest < 0 ? since : oldest;
    }
    return oldest;
  }
}
