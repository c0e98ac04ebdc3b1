package dev.tandem.sampling;

/** Gumbel noise from a random word, and cheap upper bounds of the noise. */
final class Gumbel {
  /** Above every value of {@link #noise}: u is at most 1 - 2^-25, and -ln(2^-25) = 17.3287. */
  static final double MAX = 17.33;

  private static final double STEP = 0x1p-24;

  /** Bounds, indexed by the number of leading one bits of the word. */
  private static final double[] BOUNDS = bounds();

  private Gumbel() {}

  /** G = -ln(-ln u) with u = ((w >> 8) + 0.5) x 2^-24; the shift is unsigned. */
  static double noise(int w) {
    double u = ((w >>> 8) + 0.5) * STEP;
    return -StrictMath.log(-StrictMath.log(u));
  }

  /**
   * An upper bound of {@code noise(w)}, computed without a logarithm. Since -ln u >= 1 - u, G is at
   * most -ln(1 - u); and with n leading ones in the 24 bits used, 1 - u is at least 2^-(n + 1), or
   * 2^-25 if all bits are ones.
   */
  static double upperBound(int w) {
    return BOUNDS[Integer.numberOfLeadingZeros(~(w | 0xFF))];
  }

  /**
   * The smallest word, as an unsigned number, that can win: with the noise of any smaller word, a
   * scaled logit of at most {@code scaled} stays below {@code winning}, also after the sum is
   * rounded. This follows because G is at most -ln(1 - u): to win, 1 - u must be at most
   * e^-(winning - scaled).
   */
  static long leastWord(double winning, double scaled) {
    double wanted = winning - scaled - 8 * Math.ulp(Math.abs(winning) + Math.abs(scaled));
    double u = 1 - StrictMath.exp(-wanted);
    return u > 0 ? Math.max(0, (long) (u / STEP) - 2) << 8 : 0;
  }

  private static double[] bounds() {
    double[] bounds = new double[Integer.SIZE + 1];
    for (int ones = 0; ones < bounds.length; ones++) {
      bounds[ones] = Math.min(MAX, (ones + 1) * StrictMath.log(2) + 1e-9);
    }
    return bounds;
  }
}
