package dev.tandem.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Tensor frames to bytes and back; see {@link FrameHeader} for the layout. */
public final class FrameCodec {
  /** "TNDM" as a little-endian integer. */
  private static final int MAGIC = 'T' | 'N' << 8 | 'D' << 16 | 'M' << 24;

  private static final int PROMPT_END = 1;

  private FrameCodec() {}

  /**
   * The bytes of a frame.
   *
   * @param rows {@code [header.rows(), header.columns()]}: all that remains in it
   * @throws IllegalArgumentException if the rows do not fit the header
   */
  public static ByteBuffer encode(FrameHeader header, FloatBuffer rows) {
    int bytes = FrameHeader.messageBytes(header.rows(), header.columns());
    if (bytes - FrameHeader.BYTES != 4L * rows.remaining() || header.type() != RowType.F32) {
      throw new IllegalArgumentException(rows.remaining() + " floats for " + header);
    }
    ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC)
        .put((byte) Protocol.VERSION)
        .put((byte) (header.kind().ordinal() + 1))
        .put((byte) (header.promptEnd() ? PROMPT_END : 0))
        .put((byte) header.type().ordinal())
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
    out.asFloatBuffer().put(rows.duplicate());
    return out.rewind();
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
    check(header.rows() > 0, header, "a step without rows");
    check(
        header.nOut() <= header.rows() && header.outBegin() <= header.rows() - header.nOut(),
        header,
        "wanted rows %d+%d are not within %d rows",
        header.outBegin(),
        header.nOut(),
        header.rows());
    return new Step(header, rows(in, header, limits));
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
    check(
        header.rows() == header.nOut(),
        header,
        "%d rows in a result of %d",
        header.rows(),
        header.nOut());
    return new Result(header, rows(in, header, limits));
  }

  private static FrameHeader readHeader(ByteBuffer in, FrameKind kind) throws ProtocolException {
    int length = in.remaining();
    check(
        length >= FrameHeader.BYTES,
        "a frame of %d bytes is shorter than its header of %d",
        length,
        FrameHeader.BYTES);
    check(in.getInt() == MAGIC, "a frame does not begin with TNDM");
    int version = in.get();
    if (version != Protocol.VERSION) {
      throw new ProtocolException(
          ErrorCode.VERSION,
          "frame of protocol version " + version + ", this end speaks " + Protocol.VERSION);
    }
    int kindNumber = in.get();
    check(
        kindNumber == kind.ordinal() + 1, "frame kind %d, want %d", kindNumber, kind.ordinal() + 1);
    int flags = in.get();
    check((flags & ~PROMPT_END) == 0, "unknown flags 0x%02x", flags & 0xff);
    int typeNumber = in.get();
    check(typeNumber >= 0 && typeNumber < RowType.values().length, "unknown dtype %d", typeNumber);
    int rowKind = in.getInt();
    check(rowKind == 0 || rowKind == 1, "unknown row kind 0x%08x", rowKind);
    boolean generated = rowKind == 1;
    boolean promptEnd = flags == PROMPT_END;
    check(!(generated && promptEnd), "PROMPT_END with generated rows");
    int[] field = new int[8];
    for (int i = 0; i < field.length; i++) {
      field[i] = in.getInt();
      check(field[i] >= 0, "header field at byte %d is negative", 12 + 4 * i);
    }
    check(in.getInt() == 0, "the header's last field is not 0");
    check(field[0] > 0 && field[1] > 0 && field[2] > 0, "epoch, request and sequence begin at 1");
    RowType type = RowType.values()[typeNumber];
    FrameHeader header =
        new FrameHeader(
            kind, type, generated, promptEnd, field[0], field[1], field[2], field[3], field[4],
            field[5], field[6], field[7]);
    if (type != RowType.F32) {
      throw about(header, ErrorCode.UNSUPPORTED, "rows of type " + type.wireName());
    }
    check(header.position() <= Integer.MAX_VALUE - header.rows(), header, "positions beyond 2^31");
    return header;
  }

  private static FloatBuffer rows(ByteBuffer in, FrameHeader header, FrameLimits limits)
      throws ProtocolException {
    if (header.rows() > limits.maxRows()) {
      throw about(
          header, ErrorCode.LIMIT, "rows " + header.rows() + " not in 1.." + limits.maxRows());
    }
    check(
        header.columns() > 0 && header.columns() <= limits.maxColumns(),
        header,
        "columns %d not in 1..%d",
        header.columns(),
        limits.maxColumns());
    long want = 4L * header.rows() * header.columns();
    check(in.remaining() == want, header, "payload of %d bytes, want %d", in.remaining(), want);
    return in.asFloatBuffer();
  }

  private static ProtocolException about(FrameHeader header, ErrorCode code, String message) {
    return new ProtocolException(code, message, header.request(), header.sequence());
  }

  private static void check(boolean ok, FrameHeader header, String format, Object... args)
      throws ProtocolException {
    if (!ok) {
      throw about(header, ErrorCode.PROTOCOL, String.format(format, args));
    }
  }

  private static void check(boolean ok, String format, Object... args) throws ProtocolException {
    if (!ok) {
      throw new ProtocolException(ErrorCode.PROTOCOL, String.format(format, args));
    }
  }
}
