package dev.tandem.engine;

/**
 * What a stage for study saves; see {@code td_study_switch} in {@code tandem.h}. Without a KV cache
 * every step runs all rows of its sequences through the blocks again. With one, what is not
 * restricted to the new rows is computed for all rows and thrown away.
 *
 * @param sgemm products by OpenBLAS, on all threads; else by loops, on one
 * @param kvCache keys and values are kept
 * @param currentLinear linear layers compute new rows only, and wanted logits only
 * @param currentActivation so does the activation
 * @param currentResidual so do norms and the additions to the residual stream
 */
public record StudySwitches(
    boolean sgemm,
    boolean kvCache,
    boolean currentLinear,
    boolean currentActivation,
    boolean currentResidual) {

  /** Loops that compute everything at every step. */
  public static final StudySwitches NAIVE = new StudySwitches(false, false, false, false, false);

  /** The same with sgemm. */
  public static final StudySwitches BLAS = new StudySwitches(true, false, false, false, false);

  /** With sgemm, everything saved. */
  public static final StudySwitches BLAS_KV = new StudySwitches(true, true, true, true, true);

  /**
   * @throws IllegalArgumentException if there is no KV cache, and yet only new rows are computed
   */
  public StudySwitches {
    if (!kvCache && (currentLinear || currentActivation || currentResidual)) {
      throw new IllegalArgumentException("without a KV cache all rows are needed");
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
