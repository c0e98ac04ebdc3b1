package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The bounds that let the sampler skip tokens hold for every noise value. */
class GumbelTest {

  @Test
  void noiseLiesWithinItsBounds() {
    int step = Boolean.getBoolean("tandem.long") ? 1 : 61; // of the 2^24 values that u can take
    for (int top = 0; top < 1 << 24; top += step) {
      check(top << 8);
    }
    for (int ones = 0; ones <= 24; ones++) { // where the bound changes
      int first = ones == 0 ? 0 : -1 << (32 - ones);
      check(first);
      check(first - 1);
      check(first | 0xFF);
    }
  }

  private static void check(int word) {
    double noise = Gumbel.noise(word);
    if (!(noise > -2.86 && noise < Gumbel.MAX && noise <= Gumbel.upperBound(word))) {
      assertThat(noise)
          .as("word %08x", word)
          .isBetween(-2.86, Math.min(Gumbel.MAX, Gumbel.upperBound(word)));
    }
  }

  @Test
  void boundIsNotIdle() {
    assertThat(Gumbel.upperBound(0)).isLessThan(0.7);
    assertThat(Gumbel.upperBound(0xC0000000)).isLessThan(2.1);
    assertThat(Gumbel.upperBound(-1)).isGreaterThan(Gumbel.noise(-1));
  }
}
