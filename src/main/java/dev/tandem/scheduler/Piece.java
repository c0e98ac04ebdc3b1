package dev.tandem.scheduler;

import dev.tandem.stage.StepRows;

/**
 * Rows of one step that go into one call.
 *
 * @param sequence the sequence of the rows
 * @param step the step of the rows
 * @param from the first row, counted within the step
 * @param rows the rows, with their output rows
 */
record Piece(ScheduledSequence sequence, PendingStep step, int from, StepRows rows) {

  /** Whether these rows are the step's last. */
  boolean completesStep() {
    return from + rows.count() == step.rows().count();
  }
}
