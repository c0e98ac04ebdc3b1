package dev.tandem.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;

/**
 * The format of quantised blocks read element by element from a list of bits, in f64: slow, and
 * written from the format's description alone, so that the decoders have something to be held
 * against. With finite factors it is exact, but for the one rounding to f32 at the end.
 */
public final class BlockReference {
  /** Where the second of two factors lies. */
  private static final int SECOND = 2;

  /** The quantised types. */
  public static final List<DType> TYPES =
      List.of(DType.values()).stream().filter(DType::isQuantized).toList();

  private static final int[] IQ4 = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private final byte[] bytes;
  private final int start;

  private BlockReference(byte[] bytes, int start) {
    this.bytes = bytes;
    this.start = start;
  }

  /** The values of whole blocks. */
  public static float[] decode(DType dtype, byte[] blocks) {
    float[] values = new float[blocks.length / dtype.blockBytes() * dtype.blockElements()];
    for (int i = 0; i < values.length; i++) {
      int block = i / dtype.blockElements();
      BlockReference bits = new BlockReference(blocks, block * dtype.blockBytes());
      values[i] = (float) bits.element(dtype, i % dtype.blockElements());
    }
    return values;
  }

  /**
   * Bytes of any pattern, in which the factors are finite.
   *
   * @param scale about how large the values are, with a mean of about 0; 0 for factors of any size
   *     and sign
   */
  public static byte[] random(DType dtype, int nBlocks, double scale, Random random) {
    byte[] blocks = new byte[nBlocks * dtype.blockBytes()];
    random.nextBytes(blocks);
    ByteBuffer buffer = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < blocks.length; at += dtype.blockBytes()) {
      for (int offset : factorOffsets(dtype)) {
        short half = buffer.getShort(at + offset);
        if (scale > 0) {
          double factor =
              offset == SECOND
                  ? Float16.toFloat(buffer.getShort(at)) * balance(dtype)
                  : scale / largest(dtype) * (0.5 + random.nextDouble());
          half = Float16.fromFloat((float) factor);
        } else if ((half & 0x7c00) == 0x7c00) {
          half =
              (short)
                  (half
                      & 0x83ff); // not finite: keep the sign and mantissa, which makes it subnormal
        }
        buffer.putShort(at + offset, half);
      }
    }
    return blocks;
  }

  /** The second factor where the first is 1 and values are to have the mean 0. */
  private static double balance(DType dtype) {
    return switch (dtype) {
      case Q4_1 -> -7.5;
      case Q5_1 -> -15.5;
      case Q4_K -> 7.5;
      case Q5_K -> 15.5;
      default -> throw new IllegalArgumentException(dtype + " has one factor");
    };
  }

  private static int[] factorOffsets(DType dtype) {
    return switch (dtype) {
      case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, SECOND};
      case Q6_K -> new int[] {208};
      default -> new int[] {0};
    };
  }

  /** The largest magnitude of a value where the factors are 1. */
  private static int largest(DType dtype) {
    return switch (dtype) {
      case Q4_0 -> 8;
      case Q4_1, Q5_0 -> 16;
      case Q5_1 -> 32;
      case Q8_0, IQ4_NL -> 128;
      case Q4_K -> 63 * 15;
      case Q5_K -> 63 * 31;
      case Q6_K -> 128 * 32;
      case F32, F16, BF16 -> throw new IllegalArgumentException(dtype.toString());
    };
  }

  private double element(DType dtype, int i) {
    return switch (dtype) {
      case Q4_0 -> (nibble(2, i) - 8) * half(0);
      case Q4_1 -> nibble(4, i) * half(0) + half(2);
      case Q5_0 -> (nibble(6, i) + 16 * bit(16 + i) - 16) * half(0);
      case Q5_1 -> (nibble(8, i) + 16 * bit(32 + i)) * half(0) + half(2);
      case Q8_0 -> signed(2 + i) * half(0);
      case IQ4_NL -> IQ4[nibble(2, i)] * half(0);
      case Q4_K -> superBlock(0, i);
      case Q5_K -> superBlock(32, i);
      case Q6_K -> sixBits(i);
      case F32, F16, BF16 -> throw new IllegalArgumentException(dtype.toString());
    };
  }

  private double superBlock(int fifthBytes, int i) {
    int group = i / 32;
    int l = i % 32;
    int scale;
    int min;
    if (group < 4) {
      scale = number(8 * (4 + group), 6);
      min = number(8 * (8 + group), 6);
    } else {
      scale = number(8 * (8 + group), 4) + 16 * number(8 * group + 6, 2);
      min = number(8 * (8 + group) + 4, 4) + 16 * number(8 * (4 + group) + 6, 2);
    }
    int q = number(8 * (16 + fifthBytes + 32 * (group / 2) + l) + 4 * (group % 2), 4);
    if (fifthBytes > 0) {
      q += 16 * bit(8 * (16 + l) + group);
    }
    return half(0) * scale * q - half(2) * min;
  }

  private double sixBits(int i) {
    int part = i / 128;
    int quarter = i % 128 / 32;
    int l = i % 32;
    int low = number(8 * (64 * part + 32 * (quarter % 2) + l) + 4 * (quarter / 2), 4);
    int high = number(8 * (128 + 32 * part + l) + 2 * quarter, 2);
    int scale = signed(192 + 8 * part + 2 * quarter + l / 16);
    return half(208) * scale * (low + 16 * high - 32);
  }

  private int bit(int at) {
    return Math.floorMod(bytes[start + at / 8], 256) / (1 << at % 8) % 2;
  }

  private int number(int firstBit, int n) {
    int value = 0;
    for (int i = n - 1; i >= 0; i--) {
      value = 2 * value + bit(firstBit + i);
    }
    return value;
  }

  private int signed(int offset) {
    return number(8 * offset, 8) - 256 * bit(8 * offset + 7);
  }

  /** Element i of 32, in 16 bytes of nibbles. */
  private int nibble(int offset, int i) {
    return number(8 * (offset + i % 16) + 4 * (i / 16), 4);
  }

  private double half(int offset) {
    int mantissa = number(8 * offset, 10);
    int exponent = number(8 * offset + 10, 5);
    double sign = bit(8 * offset + 15) == 1 ? -1 : 1;
    return exponent == 0
        ? sign * Math.scalb((double) mantissa, -24)
        : sign * Math.scalb((double) (1024 + mantissa), exponent - 25);
  }
}
