package dev.tandem.directory;

import dev.tandem.directory.Cover.Member;
import dev.tandem.stage.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the best {@link Cover}. The head counts as one more layer behind the last one, so a span is
 * a range of units.
 */
final class CoverSearch {

  /**
   * The best way from a unit to the end.
   *
   * @param hops servers on it
   * @param millis what they cost
   */
  private record Way(int hops, double millis) {
    boolean isBetterThan(Way other) {
      return hops == other.hops ? millis < other.millis : hops < other.hops;
    }
  }

  private final List<Holder> holders;

  /** A server that does not say how long it takes must not win against one that does. */
  private final boolean timed;

  CoverSearch(List<Holder> holders) {
    this.holders = holders;
    timed = holders.stream().allMatch(each -> each.load().millisPerLayer().isPresent());
  }

  Optional<Cover> find(Span wanted) {
    int end = end(wanted);
    if (wanted.begin() == end) {
      return passing(wanted);
    }
    @Nullable Way[] best = new Way[end + 1];
    best[end] = new Way(0, 0);
    for (int unit = end - 1; unit >= wanted.begin(); unit--) {
      best[unit] = best(unit, end, best);
    }
    Way start = best[wanted.begin()];
    return start == null ? Optional.empty() : Optional.of(firstNamed(start, wanted, end, best));
  }

  /** The first cover in the order of the list, of those that are about as fast as the best one. */
  private Cover firstNamed(Way start, Span wanted, int end, @Nullable Way[] best) {
    double limit = start.millis + Cover.tolerance(start.millis);
    List<Member> members = new ArrayList<>();
    double spent = 0;
    for (int unit = wanted.begin(); unit < end; ) {
      Step step = next(unit, end, limit - spent, best);
      members.add(new Member(holders.get(step.holder), span(unit, step.end, wanted.end())));
      spent += step.millis;
      unit = step.end;
    }
    return new Cover(members, spent);
  }

  /** A server's share. */
  private record Step(int holder, int end, double millis) {}

  private Step next(int unit, int end, double limit, @Nullable Way[] best) {
    int hops = Objects.requireNonNull(best[unit]).hops;
    for (int i = 0; i < holders.size(); i++) {
      for (int to = last(i, unit, end); to > unit; to--) {
        Way rest = best[to];
        double millis = millis(i, to - unit);
        if (rest != null && rest.hops + 1 == hops && millis + rest.millis <= limit) {
          return new Step(i, to, millis);
        }
      }
    }
    throw new IllegalStateException("the best way is within the limit");
  }

  private @Nullable Way best(int unit, int end, @Nullable Way[] best) {
    Way found = null;
    for (int i = 0; i < holders.size(); i++) {
      for (int to = last(i, unit, end); to > unit; to--) {
        Way rest = best[to];
        if (rest != null) {
          Way way = new Way(rest.hops + 1, millis(i, to - unit) + rest.millis);
          if (found == null || way.isBetterThan(found)) {
            found = way;
          }
        }
      }
    }
    return found;
  }

  /** One past the last unit that a server can compute from a unit on; the unit itself for none. */
  private int last(int holder, int unit, int end) {
    Span span = holders.get(holder).span();
    return holds(span, unit) ? Math.min(end, end(span)) : unit;
  }

  private double millis(int holder, int units) {
    Load load = holders.get(holder).load();
    return load.roundTripMillis() + (timed ? units * load.millisPerLayer().orElseThrow() : 0);
  }

  /** One server, through which rows pass unchanged: the client has all layers, and the head. */
  private Optional<Cover> passing(Span wanted) {
    List<Holder> able = holders.stream().filter(each -> each.span().contains(wanted)).toList();
    double nearest =
        able.stream().mapToDouble(each -> each.load().roundTripMillis()).min().orElse(0);
    double limit = nearest + Cover.tolerance(nearest);
    return able.stream()
        .filter(each -> each.load().roundTripMillis() <= limit)
        .findFirst()
        .map(each -> new Cover(List.of(new Member(each, wanted)), each.load().roundTripMillis()));
  }

  static int end(Span span) {
    return span.hasHead() ? span.end() + 1 : span.end();
  }

  static boolean holds(Span span, int unit) {
    return span.begin() <= unit && unit < end(span);
  }

  /** The span of a range of units that may end with the head. */
  static Span span(int begin, int end, int layersEnd) {
    return end > layersEnd ? Span.toLogits(begin, layersEnd) : Span.layers(begin, end);
  }
}
