package dev.tandem.measure;

/**
 * Where two backends chose different tokens after the same ones.
 *
 * @param index of the token in the continuation
 * @param id what a backend chose
 * @param gap its logit of that token over its logit of the other's
 * @param referenceId what the first backend chose
 * @param referenceGap that one's logit of its token over its logit of the other's
 * @param bound what either gap may be if nothing but rounding is different; see {@link
 *     RoundingBound}
 */
public record Disagreement(
    int index, int id, double gap, int referenceId, double referenceGap, double bound) {

  /** Whether rounding explains it. */
  public boolean isNearTie() {
    return gap <= bound && referenceGap <= bound;
  }
}
