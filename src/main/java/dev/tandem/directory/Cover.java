package dev.tandem.directory;

import dev.tandem.stage.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Servers that compute a span one after another.
 *
 * @param members in the order of their layers, at least one
 * @param millis what a row costs, as far as it is known: round trips, and computing times if all
 *     servers state them
 */
public record Cover(List<Member> members, double millis) {
  /** Times that differ by less than this, or by less than a tenth, count as equal. */
  private static final double EQUAL_MILLIS = 2;

  /** Copies the list. */
  public Cover {
    members = List.copyOf(members);
  }

  /**
   * A server of a cover.
   *
   * @param holder the server
   * @param span what it computes, within what it holds
   */
  public record Member(Holder holder, Span span) {}

  /**
   * The fewest servers that hold a span together; of equally many, those with the smallest sum of
   * round-trip and computing times; of those that are about as fast, the ones that come first in
   * the list. A server's share is as long as possible where nothing else decides.
   *
   * @param holders servers of one model that may be combined
   * @param wanted the span; without layers and head, any server that can pass its rows on
   */
  public static Optional<Cover> find(List<Holder> holders, Span wanted) {
    return new CoverSearch(holders).find(wanted);
  }

  /** Whether it has fewer servers than another one, or equally many that are clearly faster. */
  public boolean isBetterThan(Cover other) {
    return members.size() == other.members.size()
        ? millis + tolerance(millis) < other.millis
        : members.size() < other.members.size();
  }

  /** The difference that counts as none, because the measurement is no finer. */
  static double tolerance(double millis) {
    return Math.max(EQUAL_MILLIS, millis / 10);
  }

  /**
   * What no server holds of a span, in words such as {@code layers 4..7 and the head}; empty if
   * nothing is missing.
   */
  public static String missing(List<Holder> holders, Span wanted) {
    List<Span> gaps = new ArrayList<>();
    int end = CoverSearch.end(wanted);
    int from = -1;
    for (int unit = wanted.begin(); unit <= end; unit++) {
      int at = unit;
      boolean held =
          unit == end || holders.stream().anyMatch(each -> CoverSearch.holds(each.span(), at));
      if (!held && from < 0) {
        from = unit;
      } else if (held && from >= 0) {
        gaps.add(CoverSearch.span(from, unit, wanted.end()));
        from = -1;
      }
    }
    return String.join(", ", gaps.stream().map(Span::inWords).toList());
  }
}
