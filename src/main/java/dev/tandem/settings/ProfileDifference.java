package dev.tandem.settings;

import java.io.Serializable;
import java.util.Collection;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A value in which two profiles differ.
 *
 * @param field which value
 * @param here the value of the profile that was asked; serializable, as the other one is
 * @param there the value of the other one
 * @param bitsCanDiffer whether stages of one model with these profiles can give different bits for
 *     the same rows
 */
public record ProfileDifference(Field field, Object here, Object there, boolean bitsCanDiffer)
    implements Serializable {

  /** The values of a profile. */
  public enum Field {
    /** The modelHash of a profile. */
    MODEL("model"),
    /** The matrixTypes of a profile. */
    MATRIX_TYPES("matrix types"),
    /** The activationEval of a profile. */
    ACTIVATION("activation"),
    /** The kvType of a profile. */
    KV_TYPE("KV type"),
    /** The mode of a profile. */
    MODE("mode"),
    /** The chunkRows of a profile. */
    CHUNK_ROWS("chunk rows"),
    /** The promptKernels of a profile. */
    PROMPT_KERNELS("prompt kernels"),
    /** The blas of a profile. */
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

  /**
   * Both values in words, such as {@code activation formula, here table}.
   *
   * @param here whose the second value is
   */
  public String worded(String here) {
    return field + " " + word(there) + ", " + here + " " + word(this.here);
  }

  private static String word(Object value) {
    if (value instanceof Collection<?> values) {
      return values.isEmpty()
          ? "none"
          : values.stream().map(ProfileDifference::word).collect(Collectors.joining("+"));
    }
    if (value instanceof Enum<?> constant) {
      return constant.name().toLowerCase(Locale.ROOT);
    }
    return value.toString().isEmpty() ? "none" : value.toString();
  }
}
