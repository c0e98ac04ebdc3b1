package dev.tandem.tensor;

/** IEEE 754 half precision: 1 sign bit, 5 exponent bits, 10 mantissa bits. */
public final class Float16 {
  /** The least magnitude that rounds to infinity. */
  static final float OVERFLOW = 65520;

  private static final int MIN_NORMAL_BITS = 0x38800000; // 2^-14
  private static final int OVERFLOW_BITS = 0x477ff000; // 65520 rounds to infinity
  private static final int UNDERFLOW_BITS = 0x33000000; // 2^-25 rounds to zero, ties to even
  private static final int REBIAS = 112; // 127 - 15
  private static final float MIN_SUBNORMAL = 0x1p-24f;

  private Float16() {}

  /** The exact value of a half; a NaN keeps its sign and payload. */
  public static float toFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1f;
    int mantissa = half & 0x3ff;
    if (exponent == 0) {
      float magnitude = mantissa * MIN_SUBNORMAL;
      return sign == 0 ? magnitude : -magnitude;
    }
    int biased = exponent == 0x1f ? 0xff : exponent + REBIAS;
    return Float.intBitsToFloat(sign | (biased << 23) | (mantissa << 13));
  }

  /** The nearest half, ties to even; a magnitude of 65520 or more becomes infinite. */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff)); // NaN, made quiet
    }
    if (magnitude >= OVERFLOW_BITS) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude >= MIN_NORMAL_BITS) {
      int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
      return (short) (sign | ((rounded - (REBIAS << 23)) >>> 13));
    }
    if (magnitude <= UNDERFLOW_BITS) {
      return (short) sign;
    }
    int shift =
        126 - (magnitude >>> 23); // 14 .. 24: the distance of the mantissa's unit from 2^-24
    int mantissa = (magnitude & 0x7fffff) | 0x800000;
    int kept = mantissa >>> shift;
    int dropped = mantissa & ((1 << shift) - 1);
    int half = 1 << (shift - 1);
    if (dropped > half || (dropped == half && (kept & 1) == 1)) {
      kept++; // may carry into the exponent, which then is correct
    }
    return (short) (sign | kept);
  }
}
