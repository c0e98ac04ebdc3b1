package dev.tandem.tensor;

import java.nio.ByteBuffer;

/**
 * Decodes GGUF's quantised blocks. Below, d and m are f16 factors, q the stored small integers.
 * Blocks of 32 elements keep the low nibbles of 16 bytes as elements 0..15, the high ones as
 * 16..31.
 *
 * <pre>
 * Q4_0    d, 16 B nibbles              (q - 8) * d
 * Q4_1    d, m, 16 B nibbles           q * d + m
 * Q5_0    d, u32 fifth bits, nibbles   (q - 16) * d
 * Q5_1    d, m, u32, nibbles           q * d + m
 * Q8_0    d, 32 x i8                   q * d
 * IQ4_NL  d, 16 B nibbles              IQ4_VALUES[q] * d
 * Q4_K    d, dmin, 12 B, 128 B         blocks of 256: eight groups of 32 with 6-bit scale s and
 * Q5_K    d, dmin, 12 B, 32 B, 128 B     minimum n: d * s * q - dmin * n
 * Q6_K    128 B, 64 B, 16 x i8, d      sixteen groups of 16 with scale s: d * s * (q - 32)
 * </pre>
 *
 * Source: the block structures of ggml's file format.
 */
final class QuantizedBlocks {
  private static final int[] IQ4_VALUES = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };
  private static final int NIBBLE_BYTES = 16;
  private static final int K_GROUPS = 8;

  /** d, dmin, scales and minima. */
  private static final int K_HEADER_BYTES = 16;

  private QuantizedBlocks() {}

  /**
   * Decodes blocks.
   *
   * @param stored little-endian; whole blocks from index 0 on
   * @param count elements, a multiple of the type's block
   * @param into receives them from index {@code at} on
   */
  static void decode(DType dtype, ByteBuffer stored, int count, float[] into, int at) {
    int from = 0;
    for (int to = at; to < at + count; to += dtype.blockElements(), from += dtype.blockBytes()) {
      switch (dtype) {
        case Q4_0 -> q4(stored, from + 2, 8, half(stored, from), 0, into, to);
        case Q4_1 -> q4(stored, from + 4, 0, half(stored, from), half(stored, from + 2), into, to);
        case Q5_0 -> q5(stored, from + 2, 16, half(stored, from), 0, into, to);
        case Q5_1 -> q5(stored, from + 4, 0, half(stored, from), half(stored, from + 2), into, to);
        case Q8_0 -> q8(stored, from, into, to);
        case IQ4_NL -> iq4(stored, from, into, to);
        case Q4_K -> k4or5(stored, from, from, from + K_HEADER_BYTES, 0, into, to);
        case Q5_K ->
            k4or5(stored, from, from + K_HEADER_BYTES, from + K_HEADER_BYTES + 32, 1, into, to);
        case Q6_K -> k6(stored, from, into, to);
        case F32, F16, BF16 -> throw new IllegalArgumentException(dtype + " has no blocks");
      }
    }
  }

  private static float half(ByteBuffer stored, int index) {
    return Float16.toFloat(stored.getShort(index));
  }

  private static void q4(
      ByteBuffer stored, int nibbles, int zero, float d, float m, float[] into, int at) {
    for (int i = 0; i < NIBBLE_BYTES; i++) {
      int pair = stored.get(nibbles + i);
      into[at + i] = ((pair & 15) - zero) * d + m;
      into[at + i + NIBBLE_BYTES] = (((pair >> 4) & 15) - zero) * d + m;
    }
  }

  private static void q5(
      ByteBuffer stored, int bits, int zero, float d, float m, float[] into, int at) {
    int fifth = stored.getInt(bits);
    for (int i = 0; i < NIBBLE_BYTES; i++) {
      int pair = stored.get(bits + Integer.BYTES + i);
      int low = (pair & 15) | ((fifth >>> i) & 1) << 4;
      int high = ((pair >> 4) & 15) | ((fifth >>> (i + NIBBLE_BYTES)) & 1) << 4;
      into[at + i] = (low - zero) * d + m;
      into[at + i + NIBBLE_BYTES] = (high - zero) * d + m;
    }
  }

  private static void q8(ByteBuffer stored, int from, float[] into, int at) {
    float d = half(stored, from);
    for (int i = 0; i < 32; i++) {
      into[at + i] = stored.get(from + 2 + i) * d;
    }
  }

  private static void iq4(ByteBuffer stored, int from, float[] into, int at) {
    float d = half(stored, from);
    for (int i = 0; i < NIBBLE_BYTES; i++) {
      int pair = stored.get(from + 2 + i);
      into[at + i] = IQ4_VALUES[pair & 15] * d;
      into[at + i + NIBBLE_BYTES] = IQ4_VALUES[(pair >> 4) & 15] * d;
    }
  }

  /**
   * Groups of 32: the low nibbles of 32 bytes are an even group, the high ones the odd one after
   * it.
   *
   * @param highBits where bit g of byte l is the fifth bit of element l of group g
   * @param fifth 1 if there are such bits, otherwise 0
   */
  private static void k4or5(
      ByteBuffer stored, int from, int highBits, int nibbles, int fifth, float[] into, int at) {
    float d = half(stored, from);
    float dMin = half(stored, from + 2);
    for (int group = 0; group < K_GROUPS; group++) {
      float scale = d * packedScale(stored, from + 4, group);
      float min = dMin * packedMin(stored, from + 4, group);
      for (int l = 0; l < 32; l++) {
        int pair = stored.get(nibbles + group / 2 * 32 + l);
        int q = (pair >> (group % 2 * 4)) & 15;
        q |= ((stored.get(highBits + l) >> group) & fifth) << 4;
        into[at + group * 32 + l] = scale * q - min;
      }
    }
  }

  /**
   * The scale of a group: six bits. For the last four groups, two of these bits are stored above
   * the first scales.
   */
  private static int packedScale(ByteBuffer stored, int packed, int group) {
    return group < 4
        ? stored.get(packed + group) & 63
        : (stored.get(packed + group + 4) & 15) | ((stored.get(packed + group - 4) >> 6) & 3) << 4;
  }

  private static int packedMin(ByteBuffer stored, int packed, int group) {
    return group < 4
        ? stored.get(packed + group + 4) & 63
        : ((stored.get(packed + group + 4) >> 4) & 15)
            | ((stored.get(packed + group) >> 6) & 3) << 4;
  }

  /** Two halves of 128 elements; four of them share a byte of the two high bits. */
  private static void k6(ByteBuffer stored, int from, float[] into, int at) {
    float d = half(stored, from + 208);
    for (int part = 0; part < 2; part++) {
      int low = from + part * 64;
      int high = from + 128 + part * 32;
      int scales = from + 192 + part * 8;
      for (int l = 0; l < 32; l++) {
        int twoBits = stored.get(high + l);
        for (int quarter = 0; quarter < 4; quarter++) {
          int nibble = (stored.get(low + quarter % 2 * 32 + l) >> (quarter / 2 * 4)) & 15;
          int q = (nibble | ((twoBits >> (2 * quarter)) & 3) << 4) - 32;
          float scale = d * stored.get(scales + l / 16 + 2 * quarter);
          into[at + part * 128 + quarter * 32 + l] = scale * q;
        }
      }
    }
  }
}
