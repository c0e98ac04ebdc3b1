package dev.tandem.measure;

import java.util.List;

/**
 * The result of {@link Comparison}.
 *
 * @param promptIds the prompt
 * @param rows one for each backend; the others are compared with the first one
 */
public record ComparisonResult(List<Integer> promptIds, List<ComparisonRow> rows) {

  /** Keeps copies. */
  public ComparisonResult {
    promptIds = List.copyOf(promptIds);
    rows = List.copyOf(rows);
  }

  /** Whether all backends chose the same tokens. */
  public boolean identical() {
    return rows.stream().allMatch(row -> row.disagreement().isEmpty());
  }

  /** Whether rounding explains all differences. */
  public boolean withinRounding() {
    return rows.stream()
        .flatMap(row -> row.disagreement().stream())
        .allMatch(Disagreement::isNearTie);
  }
}
