package dev.tandem.scheduler;

import dev.tandem.stage.StepRows;

/**
 * Rows of one step that go into one call.
 *
 * @param sequence whose rows
 * @param step the step that they are part of
 * @param from the first of them, counted within the step
 * @param rows the rows, and what is wanted of them
 */
record Piece(ScheduledSequence sequence, PendingStep step, int from, StepRows rows) {

  /** Whether they are the step's last. */
  boolean completesStep() {
    return from + rows.count() == step.rows().count();
  }
}
