package dev.tandem.measure;

/**
 * The place where two backends chose different tokens after the same tokens.
 *
 * @param index the index of the token in the continuation
 * @param id the token that a backend chose
 * @param gap its logit of that token minus its logit of the other's token
 * @param referenceId the token that the first backend chose
 * @param referenceGap the first backend's logit of its token minus its logit of the other's token
 * @param bound the largest gap that rounding can explain; see {@link RoundingBound}
 */
public record Disagreement(
    int index, int id, double gap, int referenceId, double referenceGap, double bound) {

  /** Whether rounding explains it. */
  public boolean isNearTie() {
    return gap <= bound && referenceGap <= bound;
  }
}
