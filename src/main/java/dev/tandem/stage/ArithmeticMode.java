package dev.tandem.stage;

/** Which kernels compute prompt rows. */
public enum ArithmeticMode {
  /** The fastest: prompt rows of f32 weights go through OpenBLAS. */
  FAST,
  /** Row-exact kernels everywhere: equal bits on every CPU. */
  REPRODUCIBLE
}
