package dev.tandem.protocol;

import dev.tandem.sampling.TopLogits;
import dev.tandem.settings.RowType;
import dev.tandem.stage.StepRows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;

/** Tensor frames to bytes and back; see {@link FrameHeader} for the layout. */
public final class FrameCodec {
  /** "TNDM" as a little-endian integer. */
  private static final int MAGIC = 'T' | 'N' << 8 | 'D' << 16 | 'M' << 24;

  private static final int PROMPT_END = 1;

  /** The place of the frame's kind. */
  private static final int KIND_AT = 5;

  private FrameCodec() {}

  /**
   * The bytes of a frame.
   *
   * @param rows {@code [header.rows(), header.columns()]}: all that remain in the buffer
   * @throws IllegalArgumentException if the rows do not fit the header
   */
  public static ByteBuffer encode(FrameHeader header, FloatBuffer rows) {
    if (rows.remaining() != (long) header.rows() * header.columns()) {
      throw new IllegalArgumentException(rows.remaining() + " floats for " + header);
    }
    ByteBuffer out = withHeader(header);
    RowCodec.encode(header.type(), rows, header.columns(), out);
    return out.rewind();
  }

  /**
   * The bytes of a frame of the best logits.
   *
   * @param header of kind {@link FrameKind#TOP_K}
   * @param rows as many as the header says, with as many entries and sums as its columns
   * @throws IllegalArgumentException if the rows do not fit the header
   */
  public static ByteBuffer encodeTop(FrameHeader header, List<TopLogits> rows) {
    ByteBuffer out = withHeader(header);
    for (TopLogits row : rows) {
      for (int i = 0; i < header.columns() / 2 - row.size(); i++) {
        out.putDouble(row.logSumAt(i));
      }
      for (int i = 0; i < row.size(); i++) {
        out.putInt(row.id(i)).putFloat(row.logit(i));
      }
    }
    if (rows.size() != header.rows() || out.hasRemaining()) {
      throw new IllegalArgumentException(rows.size() + " rows of best logits for " + header);
    }
    return out.rewind();
  }

  /** A message with its header; the position is behind it. */
  private static ByteBuffer withHeader(FrameHeader header) {
    long payload = RowCodec.bytes(header.type(), header.rows(), header.columns());
    int bytes = Math.toIntExact(FrameHeader.BYTES + payload);
    ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC)
        .put((byte) Protocol.VERSION)
        .put((byte) header.kind().wireNumber())
        .put((byte) (header.promptEnd() ? PROMPT_END : 0))
        .put((byte) RowCodec.wireNumber(header.type()))
        .putInt(header.generated() ? 1 : 0)
        .putInt(header.epoch())
        .putInt(header.request())
        .putInt(header.sequence())
        .putInt(header.position())
        .putInt(header.rows())
        .putInt(header.columns())
        .putInt(header.outBegin())
        .putInt(header.nOut())
        .putInt(0);
    return out;
  }

  /** The bytes of a frame's rows: a part of the message, which is a whole frame. */
  public static ByteBuffer rowBytes(ByteBuffer message) {
    ByteBuffer in = message.slice();
    return in.position(FrameHeader.BYTES);
  }

  /**
   * Reads a step.
   *
   * @param message the whole message, from its position to its limit; the rows stay in it
   * @throws ProtocolException if it is not a step within the limits
   */
  public static Step decodeStep(ByteBuffer message, FrameLimits limits) throws ProtocolException {
    ByteBuffer in = message.slice().order(ByteOrder.LITTLE_ENDIAN);
    FrameHeader header = readHeader(in, FrameKind.STEP);
    if (header.rows() == 0) {
      throw about(header, ErrorCode.PROTOCOL, "a step without rows");
    }
    return new Step(header, stepRows(header), rows(in, header, limits));
  }

  /**
   * Reads a server's frame: whole rows or the best logits.
   *
   * @param message as for {@link #decodeResult}
   * @throws ProtocolException if it is neither within the limits
   */
  public static ServerMessage decodeAnswer(ByteBuffer message, FrameLimits limits)
      throws ProtocolException {
    boolean top =
        message.remaining() > KIND_AT
            && message.get(message.position() + KIND_AT) == FrameKind.TOP_K.wireNumber();
    return top ? decodeTop(message, limits) : decodeResult(message, limits);
  }

  /**
   * Reads the best logits of a step's output rows.
   *
   * @param message as for {@link #decodeResult}
   * @throws ProtocolException if it is not such a frame within the limits
   */
  public static TopResult decodeTop(ByteBuffer message, FrameLimits limits)
      throws ProtocolException {
    ByteBuffer in = message.slice().order(ByteOrder.LITTLE_ENDIAN);
    FrameHeader header = readHeader(in, FrameKind.TOP_K);
    if (header.rows() != header.nOut()) {
      throw about(
          header, ErrorCode.PROTOCOL, header.rows() + " rows in a result of " + header.nOut());
    }
    if (header.type() != RowType.F32) {
      throw about(header, ErrorCode.PROTOCOL, "best logits of type " + header.type());
    }
    checkRows(in, header, limits);
    return new TopResult(header, in.slice().order(ByteOrder.LITTLE_ENDIAN));
  }

  /**
   * Reads a result.
   *
   * @param message the whole message, from its position to its limit; the rows stay in it
   * @throws ProtocolException if it is not a result within the limits
   */
  public static Result decodeResult(ByteBuffer message, FrameLimits limits)
      throws ProtocolException {
    ByteBuffer in = message.slice().order(ByteOrder.LITTLE_ENDIAN);
    FrameHeader header = readHeader(in, FrameKind.RESULT);
    if (header.rows() != header.nOut()) {
      throw about(
          header, ErrorCode.PROTOCOL, header.rows() + " rows in a result of " + header.nOut());
    }
    return new Result(header, rows(in, header, limits));
  }

  private static StepRows stepRows(FrameHeader header) throws ProtocolException {
    try {
      return header.stepRows();
    } catch (IllegalArgumentException e) {
      throw about(header, ErrorCode.PROTOCOL, String.valueOf(e.getMessage()));
    }
  }

  private static FrameHeader readHeader(ByteBuffer in, FrameKind kind) throws ProtocolException {
    if (in.remaining() < FrameHeader.BYTES) {
      throw corrupt(
          "a frame of "
              + in.remaining()
              + " bytes is shorter than its header of "
              + FrameHeader.BYTES);
    }
    if (in.getInt() != MAGIC) {
      throw corrupt("a frame does not begin with TNDM");
    }
    int version = in.get();
    if (version != Protocol.VERSION) {
      throw new ProtocolException(
          ErrorCode.VERSION,
          "frame of protocol version " + version + ", this end speaks " + Protocol.VERSION);
    }
    int kindNumber = in.get();
    if (kindNumber != kind.wireNumber()) {
      throw corrupt("frame kind " + kindNumber + ", want " + kind.wireNumber());
    }
    int flags = in.get();
    if ((flags & ~PROMPT_END) != 0) {
      throw corrupt("unknown flags 0x" + Integer.toHexString(flags & 0xff));
    }
    RowType type = type(in.get());
    int rowKind = in.getInt();
    if (rowKind != 0 && rowKind != 1) {
      throw corrupt("unknown row kind 0x" + Integer.toHexString(rowKind));
    }
    if (rowKind == 1 && flags == PROMPT_END) {
      throw corrupt("PROMPT_END with generated rows");
    }
    FrameHeader header =
        new FrameHeader(
            kind,
            type,
            rowKind == 1,
            flags == PROMPT_END,
            field(in, 1),
            field(in, 1),
            field(in, 1),
            field(in, 0),
            field(in, 0),
            field(in, 0),
            field(in, 0),
            field(in, 0));
    if (in.getInt() != 0) {
      throw corrupt("the header's last field is not 0");
    }
    if (header.position() > Integer.MAX_VALUE - header.rows()) {
      throw about(header, ErrorCode.PROTOCOL, "positions beyond 2^31");
    }
    return header;
  }

  private static RowType type(int number) throws ProtocolException {
    for (RowType type : RowType.values()) {
      if (RowCodec.wireNumber(type) == number) {
        return type;
      }
    }
    throw corrupt("unknown dtype " + number);
  }

  /** The next field; the order of the arguments of {@link FrameHeader} is that of the fields. */
  private static int field(ByteBuffer in, int min) throws ProtocolException {
    int at = in.position();
    int value = in.getInt();
    if (value < min) {
      throw corrupt(
          "header field at byte "
              + at
              + " is "
              + Integer.toUnsignedString(value)
              + ", not in "
              + min
              + "..2^31-1");
    }
    return value;
  }

  private static FloatBuffer rows(ByteBuffer in, FrameHeader header, FrameLimits limits)
      throws ProtocolException {
    checkRows(in, header, limits);
    return RowCodec.decode(header.type(), in, header.rows(), header.columns());
  }

  private static void checkRows(ByteBuffer in, FrameHeader header, FrameLimits limits)
      throws ProtocolException {
    if (header.rows() > limits.maxRows()) {
      throw about(
          header, ErrorCode.LIMIT, "rows " + header.rows() + " not in 1.." + limits.maxRows());
    }
    if (header.columns() == 0 || header.columns() > limits.maxColumns()) {
      throw about(
          header,
          ErrorCode.PROTOCOL,
          "columns " + header.columns() + " not in 1.." + limits.maxColumns());
    }
    long want = RowCodec.bytes(header.type(), header.rows(), header.columns());
    if (in.remaining() != want) {
      throw about(
          header, ErrorCode.PROTOCOL, "payload of " + in.remaining() + " bytes, want " + want);
    }
  }

  private static ProtocolException about(FrameHeader header, ErrorCode code, String message) {
    return new ProtocolException(code, message, header.request(), header.sequence());
  }

  private static ProtocolException corrupt(String message) {
    return new ProtocolException(ErrorCode.PROTOCOL, message);
  }
}
