package dev.tandem.protocol;

/** Element types of rows on the wire; version 1 has room for all and carries f32. */
public enum RowType {
  /** IEEE single precision, little-endian. */
  F32("f32", 0),
  /** IEEE half precision; refused as {@code unsupported} so far. */
  F16("f16", 1),
  /** Blocks of 32 with an f16 scale; refused as {@code unsupported} so far. */
  Q8_0("q8_0", 2);

  private final String wireName;
  private final int wireNumber;

  RowType(String wireName, int wireNumber) {
    this.wireName = wireName;
    this.wireNumber = wireNumber;
  }

  /** The number in tensor frames. */
  int wireNumber() {
    return wireNumber;
  }

  /** The name in control messages. */
  public String wireName() {
    return wireName;
  }
}
