package dev.tandem.protocol;

/** Element types of rows on the wire; version 1 has room for all and carries f32. */
public enum RowType {
  /** IEEE single precision, little-endian. */
  F32("f32"),
  /** IEEE half precision; refused as {@code unsupported} so far. */
  F16("f16"),
  /** Blocks of 32 with an f16 scale; refused as {@code unsupported} so far. */
  Q8_0("q8_0");

  private final String wireName;

  RowType(String wireName) {
    this.wireName = wireName;
  }

  /** The name in control messages; the number in tensor frames is the ordinal. */
  public String wireName() {
    return wireName;
  }
}
