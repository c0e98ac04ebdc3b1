package dev.tandem.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class HalfPrecisionTest {

  /** The value of a finite half, from the definition. */
  private static double valueOf(int half) {
    int exponent = (half >> 10) & 31;
    double mantissa = (half & 0x3ff) / 1024.0;
    double magnitude =
        exponent == 0 ? mantissa * Math.pow(2, -14) : (1 + mantissa) * Math.pow(2, exponent - 15.0);
    return (half & 0x8000) == 0 ? magnitude : -magnitude;
  }

  @Test
  void everyHalfHasItsDefinedValueAndSurvivesARoundTrip() {
    for (int half = 0; half < 1 << 16; half++) {
      float value = Float16.toFloat((short) half);
      if ((half & 0x7c00) == 0x7c00) {
        assertThat(Float.isNaN(value)).isEqualTo((half & 0x3ff) != 0);
        assertThat(Float.isInfinite(value)).isEqualTo((half & 0x3ff) == 0);
      } else {
        assertThat((double) value).isEqualTo(valueOf(half));
      }
      int back = Float16.fromFloat(value) & 0xffff;
      boolean signalling = Float.isNaN(value);
      assertThat(back).isEqualTo(signalling ? half | 0x200 : half);
    }
  }

  @Test
  void halvesAreTheNearestWithTiesToEven() {
    for (int half = 0; half < 0x7bff; half++) {
      double low = valueOf(half);
      double high = valueOf(half + 1);
      float middle = (float) ((low + high) / 2); // exact in f32
      int even = (half & 1) == 0 ? half : half + 1;
      assertThat(Float16.fromFloat(middle)).isEqualTo((short) even);
      assertThat(Float16.fromFloat(Math.nextUp(middle))).isEqualTo((short) (half + 1));
      assertThat(Float16.fromFloat(Math.nextDown(middle))).isEqualTo((short) half);
      assertThat(Float16.fromFloat(-Math.nextUp(middle))).isEqualTo((short) (0x8000 | half + 1));
    }
    assertThat(Float16.fromFloat(65519.996f)).isEqualTo((short) 0x7bff);
    assertThat(Float16.fromFloat(65520)).isEqualTo((short) 0x7c00);
    assertThat(Float16.fromFloat(-Float.MAX_VALUE)).isEqualTo((short) 0xfc00);
    assertThat(Float16.fromFloat(Float.MIN_VALUE)).isZero();
  }

  @Test
  void bfloat16IsTheNearestUpperHalfOfAFloat() {
    long seed = 42;
    Random random = new Random(seed);
    for (int i = 0; i < 100_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      short bits = BFloat16.fromFloat(value);
      float back = BFloat16.toFloat(bits);
      if (Float.isNaN(value)) {
        assertThat(back).isNaN();
        continue;
      }
      double error = Math.abs((double) back - value);
      float down = BFloat16.toFloat((short) (bits - 1));
      float up = BFloat16.toFloat((short) (bits + 1));
      if (Float.isFinite(back) && Float.isFinite(up) && Float.isFinite(down)) {
        assertThat(error)
            .as("seed %d, value %s", seed, value)
            .isLessThanOrEqualTo(Math.abs((double) up - value))
            .isLessThanOrEqualTo(Math.abs((double) down - value));
      }
      assertThat(BFloat16.fromFloat(back)).isEqualTo(bits);
    }
    assertThat(BFloat16.fromFloat(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
    assertThat(BFloat16.fromFloat(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
    assertThat(BFloat16.toFloat(BFloat16.fromFloat(Float.intBitsToFloat(0x7fffffff)))).isNaN();
  }
}
