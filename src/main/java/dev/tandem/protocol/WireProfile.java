package dev.tandem.protocol;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.PromptKernel;
import dev.tandem.tensor.DType;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
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
  private static final String ROW_EXACT = "row-exact";

  private static final String SEPARATOR = "+";

  /** Leaves everything to the server. */
  public static final WireProfile ANY = new WireProfile("", "", "", "", 0, "", "");

  /** A profile with everything filled in, but the model hash. */
  public static WireProfile of(ArithmeticProfile profile) {
    return new WireProfile(
        names(profile.matrixTypes()),
        name(profile.activationEval()),
        name(profile.kvType()),
        name(profile.mode()),
        profile.chunkRows(),
        profile.promptKernels().isEmpty() ? ROW_EXACT : names(profile.promptKernels()),
        profile.blas());
  }

  /**
   * The profile that a server sent.
   *
   * @throws ProtocolException if a value is open, or not known here
   */
  public ArithmeticProfile ofServer(String modelHash) throws ProtocolException {
    return profile(modelHash, "the server's ");
  }

  /**
   * The profile that a client requests from a server: what it leaves open is as served.
   *
   * @throws ProtocolException if a value is not known here
   */
  public ArithmeticProfile ofClient(ArithmeticProfile served) throws ProtocolException {
    WireProfile other = of(served);
    return new WireProfile(
            or(weights, other.weights),
            or(activation, other.activation),
            or(kv, other.kv),
            or(mode, other.mode),
            chunkRows == 0 ? other.chunkRows : chunkRows,
            or(promptKernels, other.promptKernels),
            or(blas, other.blas))
        .profile(served.modelHash(), "the client's ");
  }

  private static String or(String value, String other) {
    return value.isEmpty() ? other : value;
  }

  private ArithmeticProfile profile(String modelHash, String whose) throws ProtocolException {
    return new ArithmeticProfile(
        modelHash,
        allNamed(DType.class, weights, whose + "weight type"),
        named(ActivationEval.class, activation, whose + "activation"),
        named(KvType.class, kv, whose + "KV type"),
        named(ArithmeticMode.class, mode, whose + "mode"),
        chunkRows,
        promptKernels.equals(ROW_EXACT)
            ? Set.of()
            : allNamed(PromptKernel.class, promptKernels, whose + "kernel for prompts"),
        blas);
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static String names(Collection<? extends Enum<?>> values) {
    return values.stream().map(WireProfile::name).collect(Collectors.joining(SEPARATOR));
  }

  private static <E extends Enum<E>> Set<E> allNamed(Class<E> type, String names, String what)
      throws ProtocolException {
    Set<E> values = EnumSet.noneOf(type);
    for (String name : names.split(Pattern.quote(SEPARATOR), -1)) {
      values.add(named(type, name, what));
    }
    return values;
  }

  private static <E extends Enum<E>> E named(Class<E> type, String name, String what)
      throws ProtocolException {
    for (E value : type.getEnumConstants()) {
      if (name(value).equals(name)) {
        return value;
      }
    }
    throw new ProtocolException(ErrorCode.UNSUPPORTED, what + " '" + name + "' is not known here");
  }
}
