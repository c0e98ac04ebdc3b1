package dev.tandem.settings;

/** How the numbers of rows travel between a client and a server. */
public enum RowType {
  /** IEEE single precision: every bit of a row. */
  F32,
  /** IEEE half precision: half the bytes, 11 bits of each number. */
  F16,
  /**
   * Blocks of 32 numbers of 8 bits with one factor in half precision: about a quarter of the bytes.
   */
  Q8_0
}
