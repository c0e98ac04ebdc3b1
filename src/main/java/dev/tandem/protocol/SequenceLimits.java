package dev.tandem.protocol;

/**
 * The limits of a sequence's steps.
 *
 * @param maxRows rows of a step: C
 * @param maxOutRows output rows of a step
 * @param maxStepBytes bytes of a step: header + C * dModel * 4
 * @param maxResultBytes bytes of a result: header + maxOutRows * columns * 4, with the best logits
 *     also of one row of logits
 * @param maxInFlight unanswered steps at once
 * @param maxPositions positions reserved
 */
public record SequenceLimits(
    int maxRows,
    int maxOutRows,
    int maxStepBytes,
    int maxResultBytes,
    int maxInFlight,
    int maxPositions) {

  /** The largest size of a result's rows in bytes, unless one row alone is larger. */
  private static final int MAX_RESULT_ROW_BYTES = 16 * 1024 * 1024;

  /**
   * The largest size of the logits that are kept for {@link RowRequest}, unless one row is larger.
   */
  private static final int MAX_KEPT_BYTES = 8 * 1024 * 1024;

  /** Whether messages with a chunk's rows, and with one row of results, stay below 2 GiB. */
  public static boolean fit(int chunkRows, int dModel, int outColumns) {
    long floats = (Integer.MAX_VALUE - FrameHeader.BYTES) / 4;
    return (long) chunkRows * dModel <= floats && outColumns <= floats;
  }

  /**
   * The limits of a sequence in a stage.
   *
   * @param chunkRows C
   * @param dModel columns of steps
   * @param outColumns columns of results
   * @param maxPositions positions reserved
   * @throws ArithmeticException if a message would pass 2 GiB
   */
  public static SequenceLimits of(int chunkRows, int dModel, int outColumns, int maxPositions) {
    int maxOutRows = fitting(chunkRows, outColumns, MAX_RESULT_ROW_BYTES);
    return new SequenceLimits(
        chunkRows,
        maxOutRows,
        FrameHeader.messageBytes(chunkRows, dModel),
        FrameHeader.messageBytes(maxOutRows, outColumns),
        Protocol.MAX_IN_FLIGHT,
        maxPositions);
  }

  /**
   * The limits of a sequence that is answered with the best logits. The logits of a step's output
   * rows, {@code maxOutRows * vocabSize * 4} bytes, are kept until the next step.
   *
   * @param vocabSize columns of a row of logits, which may be asked for
   * @param columns columns of the best logits
   * @throws ArithmeticException if a message would pass 2 GiB
   */
  public static SequenceLimits ofTop(
      int chunkRows, int dModel, int vocabSize, int columns, int maxPositions) {
    int maxOutRows = fitting(chunkRows, vocabSize, MAX_KEPT_BYTES);
    return new SequenceLimits(
        chunkRows,
        maxOutRows,
        FrameHeader.messageBytes(chunkRows, dModel),
        Math.max(
            FrameHeader.messageBytes(maxOutRows, columns), FrameHeader.messageBytes(1, vocabSize)),
        Protocol.MAX_IN_FLIGHT,
        maxPositions);
  }

  private static int fitting(int chunkRows, int columns, int maxBytes) {
    return Math.min(chunkRows, Math.max(1, maxBytes / Math.multiplyExact(4, columns)));
  }
}
