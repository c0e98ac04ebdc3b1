package dev.tandem.formats.gguf;

import java.util.Arrays;
import java.util.Optional;

/** The types of GGUF's metadata values. */
enum GgufValueType {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  STRING(8, 0),
  ARRAY(9, 0),
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private final int number;
  private final int bytes;

  GgufValueType(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  /** The type of a number in a file, if there is one. */
  static Optional<GgufValueType> of(int number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
  }

  /** Its number in a file. */
  int number() {
    return number;
  }

  /** Bytes of a value; 0 if they vary. */
  int bytes() {
    return bytes;
  }

  /** The smallest size of a value: for a string its length, for an array its type and length. */
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
