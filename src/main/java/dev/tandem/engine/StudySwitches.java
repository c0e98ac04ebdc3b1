package dev.tandem.engine;

/**
 * What a stage for study saves; see {@code td_study_switch} in {@code tandem.h}. Without a KV cache
 * every step runs all rows of its sequences through the layers again. With a KV cache, an operation
 * that is not restricted to the new rows is computed for all rows, and the results of the old rows
 * are discarded.
 *
 * @param sgemm products by OpenBLAS on all threads; otherwise by loops on one thread
 * @param kvCache keys and values are kept
 * @param currentLinear linear layers compute only new rows, and only the requested logits
 * @param currentActivation the activation computes only new rows
 * @param currentResidual norms and the additions to the residual stream compute only new rows
 */
public record StudySwitches(
    boolean sgemm,
    boolean kvCache,
    boolean currentLinear,
    boolean currentActivation,
    boolean currentResidual) {

  /** Loops; every step computes everything. */
  public static final StudySwitches NAIVE = new StudySwitches(false, false, false, false, false);

  /** Sgemm; every step computes everything. */
  public static final StudySwitches BLAS = new StudySwitches(true, false, false, false, false);

  /** Sgemm, with all savings. */
  public static final StudySwitches BLAS_KV = new StudySwitches(true, true, true, true, true);

  /**
   * @throws IllegalArgumentException if only new rows are computed without a KV cache
   */
  public StudySwitches {
    if (!kvCache && (currentLinear || currentActivation || currentResidual)) {
      throw new IllegalArgumentException("without a KV cache every step needs all rows");
    }
  }

  /** {@code td_study_switch}, combined. */
  int bits() {
    return (sgemm ? 1 : 0)
        | (kvCache ? 2 : 0)
        | (currentLinear ? 4 : 0)
        | (currentActivation ? 8 : 0)
        | (currentResidual ? 16 : 0);
  }
}
