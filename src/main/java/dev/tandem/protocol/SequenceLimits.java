package dev.tandem.protocol;

/**
 * The limits of a sequence's steps.
 *
 * @param maxRows rows of a step: C
 * @param maxOutRows output rows of a step
 * @param maxStepBytes bytes of a step: header + C * dModel * 4
 * @param maxResultBytes bytes of a result: header + maxOutRows * columns * 4
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
    int fitting = Math.max(1, MAX_RESULT_ROW_BYTES / Math.multiplyExact(4, outColumns));
    int maxOutRows = Math.min(chunkRows, fitting);
    return new SequenceLimits(
        chunkRows,
        maxOutRows,
        FrameHeader.messageBytes(chunkRows, dModel),
        FrameHeader.messageBytes(maxOutRows, outColumns),
        Protocol.MAX_IN_FLIGHT,
        maxPositions);
  }
}
