package dev.tandem.stage;

/**
 * The rows of one sequence in a step.
 *
 * @param position first position; below the sequence's length it truncates the sequence to it
 * @param count rows, at least 1
 * @param kind prompt or generated
 * @param promptEnd whether these rows end a run of prompt rows, so that the last chunk may be
 *     shorter than C; false for generated rows
 * @param outBegin first output row, counted within these rows
 * @param nOut number of output rows; 0 for none
 */
public record StepRows(
    int position, int count, RowKind kind, boolean promptEnd, int outBegin, int nOut) {

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if there are no rows, a position is negative or beyond 2^31,
   *     or the output rows are not within the rows
   */
  public StepRows {
    check(position, count, outBegin, nOut);
  }

  /** Prompt rows. */
  public static StepRows prompt(
      int position, int count, boolean promptEnd, int outBegin, int nOut) {
    return new StepRows(position, count, RowKind.PROMPT, promptEnd, outBegin, nOut);
  }

  /** Generated rows; the last ones are output rows. */
  public static StepRows generated(int position, int count, int nOut) {
    return new StepRows(position, count, RowKind.GENERATED, false, count - nOut, nOut);
  }

  /** The one place that checks that the output rows are within the rows; it allocates nothing. */
  static void check(int position, int count, int outBegin, int nOut) {
    if (position < 0 || count < 1 || position > Integer.MAX_VALUE - count) {
      throw new IllegalArgumentException(count + " rows from position " + position);
    }
    if (outBegin < 0 || nOut < 0 || outBegin > count - nOut) {
      throw new IllegalArgumentException(
          "output rows "
              + outBegin
              + "+"
              + nOut
              + " are not within "
              + count
              + (count == 1 ? " row" : " rows"));
    }
  }

  /** The same rows with other output rows. */
  public StepRows withOutput(int from, int n) {
    return new StepRows(position, count, kind, promptEnd, from, n);
  }

  /** One past the last position. */
  public int end() {
    return position + count;
  }

  /** The number of rows, from row {@code from} on, in the same chunk of C positions. */
  public int leftInChunk(int from, int chunkRows) {
    return leftInChunk(position, count, from, chunkRows);
  }

  static int leftInChunk(int position, int count, int from, int chunkRows) {
    return Math.min(count - from, chunkRows - (position + from) % chunkRows);
  }

  /**
   * Some of the rows, with their output rows. They end a run of prompt rows if they are the last
   * rows and all rows end one.
   *
   * @param from the first of them, counted within these rows
   * @param n their number, at least 1
   */
  public StepRows cut(int from, int n) {
    int nCutOut = nOutOfCut(outBegin, nOut, from, n);
    return new StepRows(
        position + from,
        n,
        kind,
        promptEnd && from + n == count,
        nCutOut == 0 ? 0 : outBeginOfCut(outBegin, from),
        nCutOut);
  }

  static int outBeginOfCut(int outBegin, int from) {
    return Math.max(outBegin - from, 0);
  }

  static int nOutOfCut(int outBegin, int nOut, int from, int n) {
    return Math.max(Math.min(outBegin + nOut - from, n) - outBeginOfCut(outBegin, from), 0);
  }
}
