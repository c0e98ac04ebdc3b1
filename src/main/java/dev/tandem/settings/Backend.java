package dev.tandem.settings;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The implementation that computes a model's layers and head. All give the same text except for
 * rounding; only {@link #FAST} promises bits. docs/backends.md describes each one.
 */
public enum Backend {
  /** Plain Java, without native code; the fallback where the native core does not run. */
  JAVA,

  /** Loops in C++ that run every position through the layers again at every step. */
  NAIVE,

  /** The same with products by OpenBLAS. */
  BLAS,

  /** Products by OpenBLAS, and a KV cache, so that a step computes only its new rows. */
  BLAS_KV,

  /** The engine's own kernels. */
  FAST;

  /** The names in options and tables, such as {@code blas-kv}. */
  public static List<String> names() {
    return Stream.of(values()).map(Backend::toString).toList();
  }

  /**
   * The backend of that name.
   *
   * @throws IllegalArgumentException if there is none; the message lists all names
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

  /**
   * Whether a server may compute with it, because its rows do not depend on the rows beside them.
   */
  public boolean isRowExact() {
    return this == FAST || this == JAVA;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
