package dev.tandem.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Stores f32 values in another element type, laid out as in GGUF; the counterpart of {@link
 * QuantizedBlocks}. A quantised block of 32 values is an f16 factor d and small integers q:
 *
 * <pre>
 * Q8_0    d, 32 x i8         d = largest magnitude / 127;         q = x / d, rounded to nearest
 * Q4_0    d, 16 B nibbles    d = value of largest magnitude / -8; q = x / d + 8, rounded, at most 15
 * </pre>
 *
 * F16 and BF16 round to nearest, ties to even. F32 keeps every bit pattern. Every other type
 * refuses a value that it cannot store.
 *
 * <p>Source: the reference quantisers of ggml's file format.
 */
public final class BlockEncoder {
  private static final int Q8_MAX = 127;
  private static final int Q4_ZERO = 8;
  private static final int Q4_MAX = 15;
  private static final int NIBBLE_BYTES = 16;

  /**
   * Multiples of the plain factor that the encoder tries; below 1, the largest values are clipped.
   */
  private static final float[] Q4_PARTS = {0.8f, 0.85f, 0.9f, 0.95f, 1, 1.05f, 1.1f, 1.15f, 1.2f};

  private BlockEncoder() {}

  /**
   * Encodes values.
   *
   * @param dtype F32, F16, BF16, Q8_0 or Q4_0
   * @param values read from index {@code from} on
   * @param count the number of values; whole blocks
   * @param out receives {@code dtype.bytes(count)} little-endian bytes at its position, which moves
   *     behind them; its own byte order does not matter. If the call throws, the position has not
   *     moved.
   * @throws IllegalArgumentException if the type is another one or the blocks are not whole
   * @throws ArithmeticException if the type is not F32 and a value is NaN, infinite, or so large
   *     that the value or its block's factor would overflow; the message gives its index
   * @throws java.nio.BufferOverflowException if {@code out} is too short
   */
  public static void encode(DType dtype, float[] values, int from, int count, ByteBuffer out) {
    Objects.checkFromIndexSize(from, count, values.length);
    int bytes = Math.toIntExact(dtype.bytes(count));
    ByteBuffer stored = out.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    for (int at = from; at < from + count; at += dtype.blockElements()) {
      switch (dtype) {
        case F32 -> stored.putFloat(values[at]);
        case F16 -> stored.putShort(half(dtype, values[at], at));
        case BF16 -> stored.putShort(bfloat(values[at], at));
        case Q8_0 -> q8(values, at, stored);
        case Q4_0 -> q4(values, at, stored);
        default -> throw new IllegalArgumentException(dtype + " can be read, but not written");
      }
    }
    out.position(out.position() + bytes);
  }

  private static short half(DType dtype, float value, int index) {
    if (!(Math.abs(value) < Float16.OVERFLOW)) { // also catches NaN
      throw unrepresentable(dtype, value, index);
    }
    return Float16.fromFloat(value);
  }

  private static short bfloat(float value, int index) {
    short stored = BFloat16.fromFloat(value);
    if (!Float.isFinite(BFloat16.toFloat(stored))) {
      throw unrepresentable(DType.BF16, value, index);
    }
    return stored;
  }

  private static void q8(float[] values, int from, ByteBuffer out) {
    int peak = peak(DType.Q8_0, values, from);
    float d = Math.abs(values[peak]) / Q8_MAX;
    short stored = factor(DType.Q8_0, d, values[peak], peak);
    float inverse = inverse(d, stored);
    out.putShort(stored);
    for (int i = from; i < from + DType.Q8_0.blockElements(); i++) {
      out.put((byte) roundHalfAway(values[i] * inverse));
    }
  }

  private static void q4(float[] values, int from, ByteBuffer out) {
    int peak = peak(DType.Q4_0, values, from);
    float d = values[peak] / -Q4_ZERO;
    short stored = factor(DType.Q4_0, d, values[peak], peak);
    if (Float16.toFloat(stored) != 0) {
      stored = factor(DType.Q4_0, leastSquares(values, from, d), values[peak], peak);
    }
    float inverse = inverse(Float16.toFloat(stored), stored);
    out.putShort(stored);
    for (int i = from; i < from + NIBBLE_BYTES; i++) {
      int low = nibble(values[i] * inverse);
      int high = nibble(values[i + NIBBLE_BYTES] * inverse);
      out.put((byte) (low | high << 4));
    }
  }

  /**
   * Finds the factor with the least squared error among several choices of integers.
   *
   * <p>For given q, the sum of (x - d q)^2 is least at d = sum(x q) / sum(q^2), and there it is
   * sum(x^2) - sum(x q)^2 / sum(q^2): the best choice has the largest subtrahend.
   */
  private static float leastSquares(float[] values, int from, float d) {
    float best = d;
    float largest = 0;
    for (float part : Q4_PARTS) {
      float inverse = 1 / (d * part);
      float xq = 0;
      float qq = 0;
      for (int i = from; i < from + DType.Q4_0.blockElements(); i++) {
        float q = nibble(values[i] * inverse) - Q4_ZERO;
        xq += values[i] * q;
        qq += q * q;
      }
      float gain =
          xq * xq / qq; // at least the largest value has a q other than 0, so qq is positive
      if (gain > largest) {
        largest = gain;
        best = xq / qq;
      }
    }
    return best;
  }

  private static int nibble(float x) {
    return Math.max(0, Math.min(Q4_MAX, (int) (x + Q4_ZERO + 0.5f)));
  }

  private static int roundHalfAway(float x) {
    int magnitude = Math.round(Math.abs(x));
    return x < 0 ? -magnitude : magnitude;
  }

  /** Index of the first value with the largest magnitude in a block. */
  private static int peak(DType dtype, float[] values, int from) {
    int peak = from;
    for (int i = from; i < from + dtype.blockElements(); i++) {
      if (!Float.isFinite(values[i])) {
        throw unrepresentable(dtype, values[i], i);
      }
      if (Math.abs(values[i]) > Math.abs(values[peak])) {
        peak = i;
      }
    }
    return peak;
  }

  private static short factor(DType dtype, float d, float peak, int index) {
    if (Math.abs(d) >= Float16.OVERFLOW) {
      throw unrepresentable(dtype, peak, index);
    }
    return Float16.fromFloat(d);
  }

  /** The inverse of the factor; 0 if the factor is stored as 0, where 1 / d might be infinite. */
  private static float inverse(float d, short stored) {
    return Float16.toFloat(stored) == 0 ? 0 : 1 / d;
  }

  private static ArithmeticException unrepresentable(DType dtype, float value, int index) {
    return new ArithmeticException(dtype + " cannot store " + value + " (index " + index + ")");
  }
}
