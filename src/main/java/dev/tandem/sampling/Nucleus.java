package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.util.Arrays;

/**
 * Decides whether top-p keeps one token, without sorting. The token is kept if the weights of the
 * tokens ranked before it do not reach {@code topP} times the sum of all weights. Both sums are
 * approximations with an error bound, in loops that the virtual machine turns into vector
 * instructions. If the bound does not decide, the verdict is {@link Verdict#OPEN}.
 */
final class Nucleus {

  /** The verdict on a token. */
  enum Verdict {
    KEPT,
    CUT,
    /** The sums are too close to the boundary, or a logit is not a number. */
    OPEN
  }

  /** Relative error of {@link #expMinus}: the polynomial's and the roundings', times 64. */
  static final double EXP_ERROR = 4e-5;

  /** Weights below e^-32 = 1.3e-14 of the best count as e^-32. */
  static final float MAX_BELOW = 32;

  /** The tokens of one run, few enough for the first-level cache. */
  static final int RUN = 1024;

  /** Independent f32 sums, so that each adds few values of a run. */
  private static final int LANES = 8;

  private static final float HUGE = 1e38f;

  private final double temperature;
  private final double topP;
  private final int vocabSize;

  // One run of tokens. The loops over them have a single index: that is what is vectorised.
  private final float[] run = new float[RUN];
  private final float[] weights = new float[RUN];
  private final float[] weightsBefore = new float[RUN];

  Nucleus(SamplingOptions options, int vocabSize) {
    temperature = options.temperature();
    topP = options.topP();
    this.vocabSize = vocabSize;
  }

  /**
   * Whether top-p, applied to all tokens, keeps {@code id}.
   *
   * @param logits adjusted, {@code [vocabSize]}, none above {@code best}
   * @param best the best one, finite
   * @param id not the best token, which is always kept; its logit is finite
   */
  Verdict test(float[] logits, float best, int id) {
    float inverse = (float) (1 / temperature);
    double all = 0;
    double before = 0;
    for (int begin = 0; begin < vocabSize; begin += RUN) {
      int n = Math.min(RUN, vocabSize - begin);
      System.arraycopy(logits, begin, run, 0, n);
      Arrays.fill(run, n, RUN, Float.NEGATIVE_INFINITY);
      weigh(run, best, inverse, weights);
      // Equal logits with lower ids rank before it.
      int nLower = Math.max(0, Math.min(id - begin, RUN));
      choose(run, 0, nLower, Math.nextDown(logits[id]), weights, weightsBefore);
      choose(run, nLower, RUN, logits[id], weights, weightsBefore);
      all += sum(weights);
      before += sum(weightsBefore);
    }
    double wanted = topP * all;
    double open = 4 * error(best / temperature, vocabSize) * all;
    if (before > wanted + open) {
      return Verdict.CUT;
    }
    return before < wanted - open ? Verdict.KEPT : Verdict.OPEN;
  }

  /**
   * Error of the sum of all weights, relative to that sum; it also bounds the error of a partial
   * sum. It adds up: the error of the exponential; the rounding within each partial sum and of
   * their total; in the definition, the f64 rounding of logit / T, which grows with the quotient,
   * and of the sum; and the weights that are counted too high, including up to one run of padding.
   * The best weight, which is 1, is the scale.
   *
   * @param scaled the best logit / T
   */
  static double error(double scaled, int vocabSize) {
    return EXP_ERROR
        + (RUN / LANES + LANES) * 0x1p-24
        + (Math.abs(scaled) + 2 * MAX_BELOW) * 0x1p-50
        + ((double) vocabSize + RUN) * (0x1p-51 + 2 * Math.exp(-MAX_BELOW));
  }

  /**
   * The weights of one run: {@code e^((logit - best) / T)}, with {@code inverse} = 1 / T.
   *
   * @param logits {@code [RUN]}, none above {@code best}, none NaN
   */
  static void weigh(float[] logits, float best, float inverse, float[] weights) {
    for (int i = 0; i < RUN; i++) {
      weights[i] = expMinus(Math.min((best - logits[i]) * inverse, MAX_BELOW));
    }
  }

  /** Copies the weights of logits above {@code threshold}, and 0 for the others. */
  private static void choose(
      float[] logits, int begin, int end, float threshold, float[] weights, float[] chosen) {
    for (int i = begin; i < end; i++) {
      // Even the smallest difference times HUGE^2 exceeds 1.
      float above = Math.min(Math.max(logits[i] - threshold, 0) * HUGE * HUGE, 1);
      chosen[i] = weights[i] * above;
    }
  }

  /** The sum of {@code [RUN]} weights. */
  static double sum(float[] values) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    for (int i = 0; i < RUN; i += LANES) {
      s0 += values[i];
      s1 += values[i + 1];
      s2 += values[i + 2];
      s3 += values[i + 3];
      s4 += values[i + 4];
      s5 += values[i + 5];
      s6 += values[i + 6];
      s7 += values[i + 7];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /** e^-x for x in [0, {@link #MAX_BELOW}]: Taylor's polynomial of e^-(x / 64), squared 6 times. */
  static float expMinus(float x) {
    float r = x * -0x1p-6f;
    float y =
        1
            + r
                * (1
                    + r
                        * (1 / 2f
                            + r
                                * (1 / 6f
                                    + r * (1 / 24f + r * (1 / 120f + r * (1 / 720f + r / 5040))))));
    y *= y;
    y *= y;
    y *= y;
    y *= y;
    y *= y;
    return y * y;
  }
}
