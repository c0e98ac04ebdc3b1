package dev.tandem.scheduler;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Rows of one step that go into one call. Each sequence has one piece at a time and uses it again,
 * so that a token allocates nothing.
 */
final class Piece {
  private final ScheduledSequence sequence;
  private @Nullable PendingStep step;
  private int from;
  private int nRows;

  Piece(ScheduledSequence sequence) {
    this.sequence = sequence;
  }

  /** Rows {@code first .. first + n - 1} of a step. */
  Piece of(PendingStep whole, int first, int n) {
    step = whole;
    from = first;
    nRows = n;
    return this;
  }

  ScheduledSequence sequence() {
    return sequence;
  }

  PendingStep step() {
    return Objects.requireNonNull(step);
  }

  /** The first of the rows, counted within the step. */
  int from() {
    return from;
  }

  int nRows() {
    return nRows;
  }

  /** Whether these rows are the step's last. */
  boolean completesStep() {
    return from + nRows == step().nRows();
  }
}
