package dev.tandem.stage;

/** What computes. */
public enum ArithmeticMode {
  /** The fastest: prompt rows of f32 weights go through OpenBLAS. */
  FAST,
  /** Row-exact kernels everywhere: equal bits on every CPU. */
  REPRODUCIBLE,
  /** Plain Java: row-exact and equal on every machine, but with bits of its own. */
  JAVA,
  /**
   * Written to learn from and to compare with: not row-exact, so equal profiles promise nothing.
   */
  REFERENCE;

  /** Whether the native core's own kernels compute: the modes that promise a whole model's bits. */
  public boolean isNative() {
    return this == FAST || this == REPRODUCIBLE;
  }
}
