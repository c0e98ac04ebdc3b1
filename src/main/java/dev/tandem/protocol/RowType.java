package dev.tandem.protocol;

/** Element types of rows on the wire; version 1 defines all of them and carries only f32. */
public enum RowType {
  /** IEEE single precision, little-endian. */
  F32("f32", 0),
  /** IEEE half precision; not supported yet: error {@code unsupported}. */
  F16("f16", 1),
  /** Blocks of 32 with an f16 scale; not supported yet: error {@code unsupported}. */
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
