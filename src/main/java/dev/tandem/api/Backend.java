package dev.tandem.api;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What computes a model's blocks and head. All give the same text but for rounding; only {@link
 * #FAST} promises bits. docs/backends.md tells what each one shows.
 */
public enum Backend {
  /** Plain Java, without native code: what is left where the native core does not run. */
  JAVA,

  /** Loops in C++ that run every position through the blocks again at every step. */
  NAIVE,

  /** The same with products by OpenBLAS. */
  BLAS,

  /** Products by OpenBLAS, and a KV cache, so that a step computes its new rows only. */
  BLAS_KV,

  /** The engine's own kernels. */
  FAST;

  /** Their names, as options and tables have them: {@code blas-kv}. */
  public static List<String> names() {
    return Stream.of(values()).map(Backend::toString).toList();
  }

  /**
   * The backend of that name.
   *
   * @throws IllegalArgumentException if there is none; the message lists those that there are
   */
  public static Backend of(String name) {
    for (Backend backend : values()) {
      if (backend.toString().equals(name)) {
        return backend;
      }
    }
    throw new IllegalArgumentException(
        "no backend '" + name + "'; there are " + String.join(", ", names()));
  }

  /** Whether a server may compute with it: whether its rows do not depend on their neighbours. */
  public boolean isRowExact() {
    return this == FAST || this == JAVA;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
