package dev.tandem.protocol;

import dev.tandem.settings.RowType;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.StepRows;

/**
 * The header of a tensor frame: 48 bytes, little-endian, then {@code rows * columns} elements.
 *
 * <pre>
 *  byte  0        4      5      6      7      8          9         12
 *       +--------+------+------+------+------+----------+---------+
 *       | "TNDM" | ver. | kind | flags| dtype| row kind | 0  0  0 |
 *       +--------+------+------+------+------+----------+---------+
 *  byte 12            16            20            24
 *       +-------------+-------------+-------------+---------------+
 *       | epoch       | request     | sequence    | first position|
 *       +-------------+-------------+-------------+---------------+
 *  byte 28            32            36            40              44       48
 *       +-------------+-------------+-------------+---------------+--------+
 *       | rows        | columns     | first output| output rows   | 0      |
 *       +-------------+-------------+-------------+---------------+--------+
 *  byte 48
 *       +---------------------------------------------------------+
 *       | rows * columns elements of dtype, row-major             |
 *       +---------------------------------------------------------+
 * </pre>
 *
 * <p>Integers are unsigned 32-bit with the top bit 0. Flag bit 0 is PROMPT_END; the others are 0.
 *
 * @param kind step or result
 * @param type element type of the rows
 * @param generated row kind: 0 prompt rows, 1 generated rows
 * @param promptEnd whether the frame ends a run of prompt rows, so that it may end inside a chunk
 * @param epoch the connection's epoch, from {@code opened}
 * @param request id of the answer, at least 1
 * @param sequence the sequence's id, at least 1
 * @param position first position; a result repeats the step's
 * @param rows rows that follow the header; in a result, the output rows
 * @param columns elements of a row
 * @param outBegin first output row, counted within the step; a result repeats it
 * @param nOut number of output rows; a result repeats it
 */
public record FrameHeader(
    FrameKind kind,
    RowType type,
    boolean generated,
    boolean promptEnd,
    int epoch,
    int request,
    int sequence,
    int position,
    int rows,
    int columns,
    int outBegin,
    int nOut) {

  /** Bytes of the header. */
  public static final int BYTES = 48;

  /** The header of a step. */
  public static FrameHeader step(
      RowType type, int epoch, int request, int sequence, StepRows rows, int columns) {
    return new FrameHeader(
        FrameKind.STEP,
        type,
        rows.kind() == RowKind.GENERATED,
        rows.promptEnd(),
        epoch,
        request,
        sequence,
        rows.position(),
        rows.count(),
        columns,
        rows.outBegin(),
        rows.nOut());
  }

  /**
   * The rows of this step.
   *
   * @throws IllegalArgumentException if the output rows are not within them
   */
  StepRows stepRows() {
    return new StepRows(
        position, rows, generated ? RowKind.GENERATED : RowKind.PROMPT, promptEnd, outBegin, nOut);
  }

  /** The header of the result of this step, with rows of another type and width. */
  public FrameHeader result(RowType outType, int outColumns) {
    return new FrameHeader(
        FrameKind.RESULT,
        outType,
        generated,
        promptEnd,
        epoch,
        request,
        sequence,
        position,
        nOut,
        outColumns,
        outBegin,
        nOut);
  }

  /** The header of the best logits of this step. */
  public FrameHeader topResult(int columns) {
    return new FrameHeader(
        FrameKind.TOP_K,
        RowType.F32,
        generated,
        promptEnd,
        epoch,
        request,
        sequence,
        position,
        nOut,
        columns,
        outBegin,
        nOut);
  }

  /**
   * The header of the answer to a request for one row of this step's results.
   *
   * @param rowRequest the request's id
   * @param row index within the output rows
   */
  public FrameHeader row(int rowRequest, int row, int vocabSize) {
    return new FrameHeader(
        FrameKind.RESULT,
        RowType.F32,
        generated,
        promptEnd,
        epoch,
        rowRequest,
        sequence,
        position,
        1,
        vocabSize,
        outBegin + row,
        1);
  }

  /** The same rows of the same sequence, which another connection has now under another id. */
  public FrameHeader on(int newEpoch, int newSequence) {
    return new FrameHeader(
        kind,
        type,
        generated,
        promptEnd,
        newEpoch,
        request,
        newSequence,
        position,
        rows,
        columns,
        outBegin,
        nOut);
  }

  /**
   * Bytes of a message with that many f32 elements, which is the longest one.
   *
   * @throws ArithmeticException if they do not fit an int
   */
  public static int messageBytes(int rows, int columns) {
    return Math.addExact(BYTES, Math.multiplyExact(4, Math.multiplyExact(rows, columns)));
  }

  /** Bytes of a tensor frame with rows of a type. */
  public static long messageBytes(RowType type, int rows, int columns) {
    return BYTES + RowCodec.bytes(type, rows, columns);
  }
}
