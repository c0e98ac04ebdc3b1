package dev.tandem.settings;

/** The kind of arithmetic. */
public enum ArithmeticMode {
  /** The fastest: prompt rows of f32 weights go through OpenBLAS. */
  FAST,
  /** Row-exact kernels everywhere: equal bits on every CPU. */
  REPRODUCIBLE,
  /**
   * Plain Java: row-exact and equal on every machine, but its bits differ from the native core's.
   */
  JAVA,
  /**
   * Written to learn from and to compare with: not row-exact, so equal profiles promise nothing.
   */
  REFERENCE;

  /**
   * Whether the native core's own kernels compute; only these modes promise a whole model's bits.
   */
  public boolean isNative() {
    return this == FAST || this == REPRODUCIBLE;
  }
}
