package dev.tandem.weights;

import java.util.Optional;

/** The types of GGUF's metadata values, in the order of their numbers. */
enum GgufValueType {
  UINT8(1),
  INT8(1),
  UINT16(2),
  INT16(2),
  UINT32(4),
  INT32(4),
  FLOAT32(4),
  BOOL(1),
  STRING(0),
  ARRAY(0),
  UINT64(8),
  INT64(8),
  FLOAT64(8);

  private final int bytes;

  GgufValueType(int bytes) {
    this.bytes = bytes;
  }

  /** The type of a number in a file, if there is one. */
  static Optional<GgufValueType> of(int number) {
    return number >= 0 && number < values().length
        ? Optional.of(values()[number])
        : Optional.empty();
  }

  /** Its number in a file. */
  int number() {
    return ordinal();
  }

  /** Bytes of a value; 0 if they vary. */
  int bytes() {
    return bytes;
  }

  /** The least that a value takes: of a string its length, of an array its type and length. */
  int minBytes() {
    return switch (this) {
      case STRING -> Long.BYTES;
      case ARRAY -> Integer.BYTES + Long.BYTES;
      default -> bytes;
    };
  }

  /** Whether a value is a whole number. */
  boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
    };
  }
}
