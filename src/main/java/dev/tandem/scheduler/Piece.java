package dev.tandem.scheduler;

/**
 * Rows of one step that go into one call.
 *
 * @param sequence whose rows
 * @param step the step that they are part of
 * @param from the first of them, counted within the step
 * @param nRows how many
 */
record Piece(ScheduledSequence sequence, PendingStep step, int from, int nRows) {

  /** Whether they are the step's last. */
  boolean completesStep() {
    return from + nRows == step.rows().nRows();
  }

  /** First wanted row within the piece. */
  int outBegin() {
    return Math.min(Math.max(step.rows().outBegin() - from, 0), nRows);
  }

  /** Wanted rows within the piece. */
  int nOut() {
    int wantedEnd = step.rows().outBegin() + step.rows().nOut() - from;
    return Math.max(Math.min(wantedEnd, nRows) - outBegin(), 0);
  }
}
