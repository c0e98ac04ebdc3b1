package dev.tandem.protocol;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The arithmetic of a sequence, as control messages carry it; the model hash travels beside it. In
 * {@code open} an empty string or 0 leaves the choice to the server; in {@code opened} and {@code
 * info} everything is filled in.
 *
 * @param weights types in which matrices are computed, e.g. {@code q8_0} or {@code f16+q8_0}
 * @param activation {@code table} or {@code formula}
 * @param kv type of the KV cache
 * @param mode {@code fast} or {@code reproducible}
 * @param chunkRows C
 * @param promptKernels the kernels of prompts' chunks: {@code row-exact}, {@code sgemm}, {@code
 *     vdpbf16ps} or {@code sgemm+vdpbf16ps}
 * @param blas name, version and core; empty if sgemm is not used
 */
public record WireProfile(
    String weights,
    String activation,
    String kv,
    String mode,
    int chunkRows,
    String promptKernels,
    String blas) {

  /** The value if all rows are computed as in mode reproducible. */
  public static final String ROW_EXACT = "row-exact";

  private static final String SEPARATOR = "+";

  /** Leaves everything to the server. */
  public static final WireProfile ANY = new WireProfile("", "", "", "", 0, "", "");

  /** The names of types or kernels as one field. */
  public static String names(Collection<? extends Enum<?>> values) {
    return values.stream()
        .map(value -> value.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(SEPARATOR));
  }

  /** The names in one field. */
  public static List<String> names(String field) {
    return List.of(field.split(Pattern.quote(SEPARATOR), -1));
  }

  /** Whether {@code served} has every value that is filled in here. */
  public boolean admits(WireProfile served) {
    return admits(weights, served.weights)
        && admits(activation, served.activation)
        && admits(kv, served.kv)
        && admits(mode, served.mode)
        && (chunkRows == 0 || chunkRows == served.chunkRows)
        && admits(promptKernels, served.promptKernels)
        && admits(blas, served.blas);
  }

  private static boolean admits(String wanted, String served) {
    return wanted.isEmpty() || wanted.equals(served);
  }

  /** One line for messages. */
  @Override
  public String toString() {
    return String.join(
        ", ",
        "weights " + shown(weights),
        "activation " + shown(activation),
        "KV " + shown(kv),
        "mode " + shown(mode),
        "C " + (chunkRows == 0 ? "any" : chunkRows),
        "prompts " + shown(promptKernels),
        "BLAS " + shown(blas));
  }

  private static String shown(String value) {
    return value.isEmpty() ? "any" : value;
  }
}
