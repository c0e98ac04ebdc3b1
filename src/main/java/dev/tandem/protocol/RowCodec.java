package dev.tandem.protocol;

import dev.tandem.settings.RowType;
import dev.tandem.tensor.Float16;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Locale;

/**
 * Rows of floats to the bytes of a tensor frame and back.
 *
 * <p>A row of q8_0 is cut into blocks of 32 numbers; the last one may have fewer. A block is a
 * factor in half precision, {@code max |x| / 127}, and one signed byte for each number, {@code x /
 * factor} rounded half up and bounded to 127. A block with a number that is not finite has the
 * factor NaN.
 */
final class RowCodec {
  private static final int BLOCK = 32;
  private static final int FACTOR_BYTES = 2;
  private static final int MAX_BYTE = 127;

  private RowCodec() {}

  /** The number in tensor frames. */
  static int wireNumber(RowType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q8_0 -> 2;
    };
  }

  /** The name in control messages. */
  static String wireName(RowType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  /** Bytes of that many rows. */
  static long bytes(RowType type, int rows, int columns) {
    long blocks = (columns + BLOCK - 1L) / BLOCK;
    return rows
        * switch (type) {
          case F32 -> 4L * columns;
          case F16 -> 2L * columns;
          case Q8_0 -> FACTOR_BYTES * blocks + columns;
        };
  }

  /**
   * The bytes of rows.
   *
   * @param rows {@code [rows, columns]}: all that remain; the position does not change
   */
  static ByteBuffer encode(RowType type, FloatBuffer rows, int columns) {
    long bytes = bytes(type, rows.remaining() / columns, columns);
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    encode(type, rows, columns, out);
    return out.rewind();
  }

  /**
   * Writes rows.
   *
   * @param rows {@code [rows, columns]}: all that remain; the position does not change
   * @param out little-endian; its position moves behind the rows
   */
  static void encode(RowType type, FloatBuffer rows, int columns, ByteBuffer out) {
    FloatBuffer in = rows.duplicate();
    switch (type) {
      case F32 -> {
        int bytes = Float.BYTES * in.remaining();
        out.asFloatBuffer().put(in);
        out.position(out.position() + bytes);
      }
      case F16 -> {
        while (in.hasRemaining()) {
          out.putShort(Float16.fromFloat(in.get()));
        }
      }
      case Q8_0 -> {
        float[] block = new float[BLOCK];
        int left = columns;
        while (in.hasRemaining()) {
          int n = Math.min(left, BLOCK);
          in.get(block, 0, n);
          encodeBlock(block, n, out);
          left = left == n ? columns : left - n;
        }
      }
    }
  }

  private static void encodeBlock(float[] block, int n, ByteBuffer out) {
    float peak = 0;
    for (int i = 0; i < n; i++) {
      peak = Math.max(peak, Math.abs(block[i])); // NaN, if one is NaN
    }
    short stored = Float16.fromFloat(Float.isFinite(peak) ? peak / MAX_BYTE : Float.NaN);
    float factor = Float16.toFloat(stored);
    out.putShort(stored);
    for (int i = 0; i < n; i++) {
      int q = factor == 0 ? 0 : Math.round(block[i] / factor);
      out.put((byte) Math.max(-MAX_BYTE, Math.min(MAX_BYTE, q)));
    }
  }

  /**
   * Reads rows.
   *
   * @param in little-endian, from its position; holds exactly {@link #bytes}
   * @return {@code [rows, columns]} from index 0; for f32 a view
   */
  static FloatBuffer decode(RowType type, ByteBuffer in, int rows, int columns) {
    if (type == RowType.F32) {
      return in.asFloatBuffer();
    }
    float[] out = new float[Math.multiplyExact(rows, columns)];
    if (type == RowType.F16) {
      for (int i = 0; i < out.length; i++) {
        out[i] = Float16.toFloat(in.getShort());
      }
    } else {
      for (int row = 0; row < out.length; row += columns) {
        for (int at = 0; at < columns; at += BLOCK) {
          float factor = Float16.toFloat(in.getShort());
          int end = Math.min(at + BLOCK, columns);
          for (int i = at; i < end; i++) {
            out[row + i] = in.get() * factor;
          }
        }
      }
    }
    return FloatBuffer.wrap(out);
  }
}
