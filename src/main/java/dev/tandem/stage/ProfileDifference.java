package dev.tandem.stage;

/**
 * A value in which two profiles differ.
 *
 * @param field which value
 * @param here the value of the profile that was asked
 * @param there the value of the other one
 * @param bitsCanDiffer whether stages of one model with these profiles can give different bits for
 *     the same rows
 */
public record ProfileDifference(Field field, Object here, Object there, boolean bitsCanDiffer) {

  /** The values of an {@link ArithmeticProfile}. */
  public enum Field {
    /** {@link ArithmeticProfile#modelHash}. */
    MODEL("model"),
    /** {@link ArithmeticProfile#matrixTypes}. */
    MATRIX_TYPES("matrix types"),
    /** {@link ArithmeticProfile#activationEval}. */
    ACTIVATION("activation"),
    /** {@link ArithmeticProfile#kvType}. */
    KV_TYPE("KV type"),
    /** {@link ArithmeticProfile#mode}. */
    MODE("mode"),
    /** {@link ArithmeticProfile#chunkRows}. */
    CHUNK_ROWS("chunk rows"),
    /** {@link ArithmeticProfile#promptKernels}. */
    PROMPT_KERNELS("prompt kernels"),
    /** {@link ArithmeticProfile#blas}. */
    BLAS("BLAS");

    private final String words;

    Field(String words) {
      this.words = words;
    }

    @Override
    public String toString() {
      return words;
    }
  }
}
