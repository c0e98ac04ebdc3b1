package dev.tandem.sampling;

/**
 * xorshift64*, as llama2.c uses it.
 *
 * <p>Source: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
 * ACM TOMS 42(4), 2016.
 */
final class XorShift {
  private long state;

  /** A stream of random numbers; seed 0 would give zeros only. */
  XorShift(long seed) {
    state = seed;
  }

  /** In [0, 1): the upper 24 bits of the upper half of the next product. */
  float nextFloat() {
    state ^= state >>> 12;
    state ^= state << 25;
    state ^= state >>> 27;
    int word = (int) ((state * 0x2545F4914F6CDD1DL) >>> 32);
    return (word >>> 8) / 16777216.0f;
  }
}
