package dev.tandem.protocol;

/**
 * The arithmetic of a sequence, as control messages carry it; the model hash travels beside it. In
 * {@code open} an empty string or 0 leaves the choice to the server; in {@code opened} and {@code
 * info} everything is filled in.
 *
 * @param weights weight type, e.g. {@code f32}
 * @param activation {@code table} or {@code formula}
 * @param kv type of the KV cache
 * @param mode {@code fast} or {@code reproducible}
 * @param chunkRows C
 * @param blas name, version and core; empty where its bits do not matter
 */
public record WireProfile(
    String weights, String activation, String kv, String mode, int chunkRows, String blas) {

  /** Leaves everything to the server. */
  public static final WireProfile ANY = new WireProfile("", "", "", "", 0, "");

  /** Whether {@code served} has every value that is filled in here. */
  public boolean admits(WireProfile served) {
    return admits(weights, served.weights)
        && admits(activation, served.activation)
        && admits(kv, served.kv)
        && admits(mode, served.mode)
        && (chunkRows == 0 || chunkRows == served.chunkRows)
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
        "BLAS " + shown(blas));
  }

  private static String shown(String value) {
    return value.isEmpty() ? "any" : value;
  }
}
