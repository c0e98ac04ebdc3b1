package dev.tandem.directory;

import dev.tandem.stage.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Finds servers that compute a span one after another. The head counts as one more layer behind the
 * last one, so a span is a range of units.
 */
public final class Cover {

  /**
   * A server of a cover.
   *
   * @param holder the server
   * @param span what it computes, within what it holds
   */
  public record Member(Holder holder, Span span) {}

  /**
   * The best way from a unit to the end.
   *
   * @param hops servers on it
   * @param millis what they cost
   * @param holder index of the first one
   * @param end one past its last unit
   */
  private record Way(int hops, double millis, int holder, int end) {}

  private final List<Holder> holders;
  private final ToDoubleFunction<Holder> millisPerUnit;

  private Cover(List<Holder> holders) {
    this.holders = holders;
    // A server that says nothing must not win against one that says how long it takes.
    boolean known = holders.stream().allMatch(each -> each.load().millisPerLayer().isPresent());
    millisPerUnit = each -> known ? each.load().millisPerLayer().orElseThrow() : 0;
  }

  /**
   * The fewest servers that hold a span together; of equally many, those with the smallest sum of
   * round-trip and computing times; of equally fast ones, those that come first in the list. A
   * server's share is as long as possible where nothing else decides.
   *
   * @param holders servers of one model that may be combined
   * @param wanted the span; without layers and head, any server that can pass its rows on
   * @return the servers in the order of their layers, at least one; empty if there are none
   */
  public static Optional<List<Member>> find(List<Holder> holders, Span wanted) {
    return new Cover(holders).find(wanted);
  }

  /**
   * What no server holds of a span, in words such as {@code layers 4..7 and the head}; empty if
   * nothing is missing.
   */
  public static String missing(List<Holder> holders, Span wanted) {
    List<Span> gaps = new ArrayList<>();
    int end = end(wanted);
    int from = -1;
    for (int unit = wanted.begin(); unit <= end; unit++) {
      int at = unit;
      boolean held = unit == end || holders.stream().anyMatch(each -> holds(each.span(), at));
      if (!held && from < 0) {
        from = unit;
      } else if (held && from >= 0) {
        gaps.add(span(from, unit, wanted.end()));
        from = -1;
      }
    }
    return String.join(", ", gaps.stream().map(Span::inWords).toList());
  }

  private Optional<List<Member>> find(Span wanted) {
    int end = end(wanted);
    if (wanted.begin() == end) {
      return passing(wanted);
    }
    @Nullable Way[] best = new Way[end + 1];
    best[end] = new Way(0, 0, -1, end);
    for (int unit = end - 1; unit >= wanted.begin(); unit--) {
      best[unit] = best(unit, end, best);
    }
    List<Member> members = new ArrayList<>();
    for (int unit = wanted.begin(); unit < end; ) {
      Way way = best[unit];
      if (way == null) {
        return Optional.empty();
      }
      members.add(new Member(holders.get(way.holder), span(unit, way.end, wanted.end())));
      unit = way.end;
    }
    return Optional.of(members);
  }

  private @Nullable Way best(int unit, int end, @Nullable Way[] best) {
    Way found = null;
    for (int i = 0; i < holders.size(); i++) {
      Holder holder = holders.get(i);
      int last = holds(holder.span(), unit) ? Math.min(end, end(holder.span())) : unit;
      for (int to = last; to > unit; to--) {
        Way rest = best[to];
        if (rest != null) {
          double millis =
              holder.load().roundTripMillis()
                  + (to - unit) * millisPerUnit.applyAsDouble(holder)
                  + rest.millis;
          if (found == null
              || rest.hops + 1 < found.hops
              || (rest.hops + 1 == found.hops && millis < found.millis)) {
            found = new Way(rest.hops + 1, millis, i, to);
          }
        }
      }
    }
    return found;
  }

  /** One server, through which rows pass unchanged: the client has all layers, and the head. */
  private Optional<List<Member>> passing(Span wanted) {
    Holder nearest = null;
    for (Holder holder : holders) {
      if (holder.span().contains(wanted)
          && (nearest == null
              || holder.load().roundTripMillis() < nearest.load().roundTripMillis())) {
        nearest = holder;
      }
    }
    return Optional.ofNullable(nearest).map(each -> List.of(new Member(each, wanted)));
  }

  private static int end(Span span) {
    return span.hasHead() ? span.end() + 1 : span.end();
  }

  private static boolean holds(Span span, int unit) {
    return span.begin() <= unit && unit < end(span);
  }

  /** The span of a range of units that may end with the head. */
  private static Span span(int begin, int end, int layersEnd) {
    return end > layersEnd
        ? Span.toLogits(begin, layersEnd)
        : Span.layers(begin, end);
  }
}
