package dev.tandem.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

class BlockEncoderTest {
  private static final long SEED = 42;

  private static byte[] encode(DType dtype, float... values) {
    ByteBuffer out = ByteBuffer.allocate((int) dtype.bytes(values.length));
    BlockEncoder.encode(dtype, values, 0, values.length, out);
    assertThat(out.remaining()).isZero();
    return out.array();
  }

  private static float[] decode(DType dtype, byte[] stored, int count) {
    float[] values = new float[count];
    ByteBuffer blocks = ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN);
    QuantizedBlocks.decode(dtype, blocks, count, values, 0);
    return values;
  }

  private static byte[] hex(String bytes) {
    return HexFormat.of().parseHex(bytes.replace(" ", ""));
  }

  private static float[] gaussian(Random random, int count, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * deviation);
    }
    return values;
  }

  @Test
  void floatsOfEveryWidthAreLittleEndian() {
    assertThat(encode(DType.F32, 1, Float.intBitsToFloat(0x7fc01234)))
        .isEqualTo(hex("0000803f 3412c07f"));
    assertThat(encode(DType.F16, 1, -0x1p-24f, 65519)).isEqualTo(hex("003c 0180 ff7b"));
    // 1 + 2^-8 and 1 + 3 * 2^-8 are ties: both go to the even neighbour
    assertThat(encode(DType.BF16, 1 + 0x1p-8f, 1 + 0x3p-8f)).isEqualTo(hex("803f 823f"));
  }

  /** d = 127 / 127 = 1 = f16 0x3c00, so q is x itself, rounded. */
  @Test
  void aHandComputedBlockOf8Bits() {
    float[] values = new float[32];
    values[0] = -127;
    values[1] = 126.4f;
    values[2] = -1.6f;
    values[31] = 3;
    assertThat(encode(DType.Q8_0, values)).isEqualTo(hex("003c 81 7e fe" + "00".repeat(28) + "03"));
  }

  /** The largest magnitude is 16, so d = 16 / -8 = -2 = f16 0xc000 and q = x / -2 + 8. */
  @Test
  void aHandComputedBlockOf4Bits() {
    float[] values = new float[32];
    values[0] = 16; // q = 0
    values[1] = -15; // 15.5, at most 15
    values[2] = 3; // 6.5, rounds to 7
    values[16] = -2; // 9, in the high nibble of byte 0
    values[31] = 12; // 2, in the high nibble of byte 15
    assertThat(encode(DType.Q4_0, values)).isEqualTo(hex("00c0 90 8f 87" + "88".repeat(12) + "28"));
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0"})
  void blocksOfZerosAndOfTinyValuesDecodeToZeros(DType dtype) {
    for (float tiny : new float[] {0, Float.MIN_VALUE, 0x1p-40f}) {
      float[] values = new float[32];
      Arrays.fill(values, 0, 20, tiny);
      values[3] = -tiny;
      assertThat(decode(dtype, encode(dtype, values), 32)).containsOnly(0f);
    }
  }

  /** Half a step, and what rounding d to f16 adds; the negative control has q one step off. */
  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0"})
  void everyValueIsWithinHalfAStepOfItsDecodedValue(DType dtype) {
    int steps = dtype == DType.Q8_0 ? 127 : 8;
    Random random = new Random(SEED);
    for (int trial = 0; trial < 1000; trial++) {
      float[] values = gaussian(random, 32, Math.exp(4 * random.nextGaussian() - 4));
      float[] decoded = decode(dtype, encode(dtype, values), 32);
      float peak = 0;
      for (float value : values) {
        peak = Math.max(peak, Math.abs(value));
      }
      double step = peak / steps;
      // Q4_0 has no +8: a value opposite to the largest one may lie up to a step beyond q = 15
      double bound = (dtype == DType.Q8_0 ? 0.5 : 1) * step + peak * 0x1p-10 + 0x1p-24 * steps;
      for (int i = 0; i < 32; i++) {
        assertThat(Math.abs(values[i] - decoded[i]))
            .as("seed %d, trial %d, element %d: %s", SEED, trial, i, values[i])
            .isLessThanOrEqualTo((float) bound);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "Q8_0", "Q4_0"})
  void whatCannotBeStoredIsRefusedByIndex(DType dtype) {
    float tooLarge = dtype == DType.BF16 ? Float.MAX_VALUE : 65520f * 128;
    for (float bad :
        new float[] {
          Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, tooLarge, -tooLarge
        }) {
      float[] values = new float[64];
      values[37] = bad;
      ByteBuffer out = ByteBuffer.allocate(256).position(3);
      assertThatThrownBy(() -> BlockEncoder.encode(dtype, values, 0, 64, out))
          .isInstanceOf(ArithmeticException.class)
          .hasMessage("%s cannot store %s (index 37)", dtype, bad);
      assertThat(out.position()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"},
      mode = Mode.EXCLUDE)
  void otherTypesAreNotWritten(DType dtype) {
    assertThatThrownBy(
            () -> BlockEncoder.encode(dtype, new float[256], 0, 256, ByteBuffer.allocate(1024)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("%s can be read, but not written", dtype);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 31, 33})
  void blocksAreWhole(int count) {
    assertThatThrownBy(
            () ->
                BlockEncoder.encode(DType.Q8_0, new float[64], 0, count, ByteBuffer.allocate(1024)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aPartIsWrittenBehindThePositionInLittleEndianOrder() {
    float[] values = gaussian(new Random(SEED), 96, 1);
    ByteBuffer out = ByteBuffer.allocate(80).order(ByteOrder.BIG_ENDIAN).position(5);
    BlockEncoder.encode(DType.Q8_0, values, 32, 64, out);
    assertThat(out.position()).isEqualTo(5 + 68);
    assertThat(out.order()).isEqualTo(ByteOrder.BIG_ENDIAN);
    assertThat(Arrays.copyOfRange(out.array(), 5, 73))
        .isEqualTo(encode(DType.Q8_0, Arrays.copyOfRange(values, 32, 96)));

    ByteBuffer tooShort = ByteBuffer.allocate(67);
    assertThatThrownBy(() -> BlockEncoder.encode(DType.Q8_0, values, 32, 64, tooShort))
        .isInstanceOf(BufferOverflowException.class);
    assertThat(tooShort.position()).isZero();
  }
}
