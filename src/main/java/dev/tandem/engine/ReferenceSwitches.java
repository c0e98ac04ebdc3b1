package dev.tandem.engine;

/**
 * What a reference stage saves; see {@code td_reference_switch} in {@code tandem.h}. Without a KV
 * cache every step runs all rows of its sequences through the layers again. With a KV cache, an
 * operation that is not restricted to the new rows is computed for all rows, and the results of the
 * old rows are discarded.
 *
 * @param sgemm products by OpenBLAS on all threads; otherwise by loops on one thread
 * @param kvCache keys and values are kept
 * @param currentLinear linear layers compute only new rows, and only the requested logits
 * @param currentActivation the activation computes only new rows
 * @param currentResidual norms and the additions to the residual stream compute only new rows
 */
public record ReferenceSwitches(
    boolean sgemm,
    boolean kvCache,
    boolean currentLinear,
    boolean currentActivation,
    boolean currentResidual) {

  /** Loops; every step computes everything. */
  public static final ReferenceSwitches NAIVE =
      new ReferenceSwitches(false, false, false, false, false);

  /** Sgemm; every step computes everything. */
  public static final ReferenceSwitches BLAS =
      new ReferenceSwitches(true, false, false, false, false);

  /** Sgemm, with all savings. */
  public static final ReferenceSwitches BLAS_KV =
      new ReferenceSwitches(true, true, true, true, true);

  /**
   * @throws IllegalArgumentException if only new rows are computed without a KV cache
   */
  public ReferenceSwitches {
    if (!kvCache && (currentLinear || currentActivation || currentResidual)) {
      throw new IllegalArgumentException("without a KV cache every step needs all rows");
    }
  }

  /** {@code td_reference_switch}, combined. */
  int bits() {
    return (sgemm ? 1 : 0)
        | (kvCache ? 2 : 0)
        | (currentLinear ? 4 : 0)
        | (currentActivation ? 8 : 0)
        | (currentResidual ? 16 : 0);
  }
}
