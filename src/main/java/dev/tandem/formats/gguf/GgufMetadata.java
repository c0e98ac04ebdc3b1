package dev.tandem.formats.gguf;

import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * The key-values of a GGUF file. Strings and arrays stay in the file until they are needed: those
 * of a vocabulary are large, and not every command needs them.
 */
final class GgufMetadata {
  private static final int MAX_KEYS = 1 << 16;
  private static final int MAX_KEY_BYTES = (1 << 16) - 1;
  private static final int MAX_TEXT_BYTES = 16 << 20;
  private static final int MAX_DEPTH = 8;

  /** The smallest size of a key: its length, its type, a value. */
  private static final int MIN_ENTRY_BYTES = Long.BYTES + Integer.BYTES + 1;

  /**
   * A value.
   *
   * @param type its type
   * @param bits the bits of a number
   * @param elements the type of an array's elements; for other values, their own type
   * @param count bytes of a string, elements of an array
   * @param offset the first byte of a string or array
   */
  private record Value(
      GgufValueType type, long bits, GgufValueType elements, long count, long offset) {}

  private final String path;
  private final TensorData file;
  private final Map<String, Value> values = new HashMap<>();

  private GgufMetadata(String path, TensorData file) {
    this.path = path;
    this.file = file;
  }

  /**
   * Reads all keys.
   *
   * @param cursor at the first key; left behind the last value
   * @param count the number of keys
   * @throws ModelFormatException if something is malformed, or a key occurs twice
   */
  static GgufMetadata read(String path, TensorData file, GgufCursor cursor, long count)
      throws IOException {
    if (count > MAX_KEYS) {
      throw new ModelFormatException(path, "number of keys", "at most " + MAX_KEYS, "" + count);
    }
    GgufMetadata metadata = new GgufMetadata(path, file);
    for (long i = 0; i < count; i++) {
      String key = cursor.string(MAX_KEY_BYTES, "key " + i);
      if (metadata.values.put(key, metadata.readValue(cursor, key)) != null) {
        throw new ModelFormatException(path, key, "one such key", "two");
      }
    }
    return metadata;
  }

  /** The smallest size of a key and its value in bytes. */
  static int minEntryBytes() {
    return MIN_ENTRY_BYTES;
  }

  private Value readValue(GgufCursor cursor, String key) throws IOException {
    GgufValueType type = type(cursor, key);
    switch (type) {
      case STRING -> {
        long bytes = cursor.count(1, key);
        Value value = new Value(type, 0, type, bytes, cursor.position());
        cursor.skip(bytes, key);
        return value;
      }
      case ARRAY -> {
        GgufValueType elements = type(cursor, key);
        long count = cursor.count(elements.minBytes(), key);
        Value value = new Value(type, 0, elements, count, cursor.position());
        skipElements(cursor, key, elements, count, 1);
        return value;
      }
      default -> {
        return new Value(type, number(cursor, type, key), type, 0, 0);
      }
    }
  }

  private GgufValueType type(GgufCursor cursor, String key) throws IOException {
    int number = cursor.u32(key);
    Optional<GgufValueType> type = GgufValueType.of(number);
    if (type.isEmpty()) {
      throw new ModelFormatException(
          path, key, "a value type of 0..12", Integer.toUnsignedString(number));
    }
    return type.get();
  }

  private void skipElements(
      GgufCursor cursor, String key, GgufValueType type, long count, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new ModelFormatException(path, key, "arrays nested " + MAX_DEPTH + " deep", "deeper");
    }
    switch (type) {
      case STRING -> {
        for (long i = 0; i < count; i++) {
          cursor.skip(cursor.count(1, key), key);
        }
      }
      case ARRAY -> {
        for (long i = 0; i < count; i++) {
          GgufValueType inner = type(cursor, key);
          skipElements(cursor, key, inner, cursor.count(inner.minBytes(), key), depth + 1);
        }
      }
      default -> cursor.skip(Math.multiplyExact(count, type.bytes()), key);
    }
  }

  private long number(GgufCursor cursor, GgufValueType type, String key) throws IOException {
    long bits = cursor.bits(type.bytes(), key);
    if (type == GgufValueType.BOOL && bits > 1) {
      throw new ModelFormatException(path, key, "0 or 1 for a bool", "" + bits);
    }
    return bits;
  }

  /** All keys. */
  Set<String> keys() {
    return values.keySet();
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  /**
   * A whole number of any type.
   *
   * @throws ModelFormatException if it is missing, or not within 32 bits
   */
  int integer(String key) throws IOException {
    Value value = values.get(key);
    if (value != null && value.type.isInteger()) {
      long number = integer(value.type, value.bits);
      if (number == (int) number && (value.type != GgufValueType.UINT64 || number >= 0)) {
        return (int) number;
      }
    }
    throw wrong(key, "a 32-bit integer");
  }

  int integer(String key, int absent) throws IOException {
    return has(key) ? integer(key) : absent;
  }

  /** A number of any type. */
  double real(String key, double absent) throws IOException {
    Value value = values.get(key);
    if (value == null) {
      return absent;
    }
    OptionalDouble number = number(key);
    if (number.isEmpty()) {
      throw wrong(key, "a number");
    }
    return number.getAsDouble();
  }

  /** The number that a key has; none if it has a string, a bool or an array. */
  OptionalDouble number(String key) {
    Value value = values.get(key);
    return value == null
            || value.type == GgufValueType.STRING
            || value.type == GgufValueType.ARRAY
            || value.type == GgufValueType.BOOL
        ? OptionalDouble.empty()
        : OptionalDouble.of(real(value.type, value.bits));
  }

  /** Whether a key has a string. */
  boolean isText(String key) {
    Value value = values.get(key);
    return value != null && value.type == GgufValueType.STRING;
  }

  boolean flag(String key, boolean absent) throws IOException {
    Value value = values.get(key);
    if (value == null) {
      return absent;
    }
    if (value.type != GgufValueType.BOOL) {
      throw wrong(key, "a bool");
    }
    return value.bits != 0;
  }

  String text(String key) throws IOException {
    Value value = values.get(key);
    if (value == null || value.type != GgufValueType.STRING || value.count > MAX_TEXT_BYTES) {
      throw wrong(key, "a string of at most " + MAX_TEXT_BYTES + " B");
    }
    return new GgufCursor(path, file, value.offset).text((int) value.count, key);
  }

  String text(String key, String absent) throws IOException {
    return has(key) ? text(key) : absent;
  }

  /**
   * An array of strings.
   *
   * @param maxCount the largest number of elements that makes sense
   */
  String[] texts(String key, int maxCount) throws IOException {
    Value value = array(key, GgufValueType.STRING, maxCount);
    GgufCursor cursor = new GgufCursor(path, file, value.offset);
    String[] texts = new String[(int) value.count];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = cursor.string(MAX_TEXT_BYTES, key);
    }
    return texts;
  }

  /** An array of f32. */
  List<Float> reals(String key, int maxCount) throws IOException {
    Value value = array(key, GgufValueType.FLOAT32, maxCount);
    GgufCursor cursor = new GgufCursor(path, file, value.offset);
    List<Float> reals = new ArrayList<>((int) value.count);
    for (long i = 0; i < value.count; i++) {
      reals.add(Float.intBitsToFloat(cursor.u32(key)));
    }
    return reals;
  }

  /** An array of whole numbers of any type, each within 64 bits. */
  long[] integers(String key, int maxCount) throws IOException {
    Value value = values.get(key);
    boolean integers = value != null && value.elements.isInteger();
    value = array(key, integers && value != null ? value.elements : GgufValueType.INT32, maxCount);
    GgufCursor cursor = new GgufCursor(path, file, value.offset);
    long[] result = new long[(int) value.count];
    for (int i = 0; i < result.length; i++) {
      result[i] = integer(value.elements, cursor.bits(value.elements.bytes(), key));
    }
    return result;
  }

  private Value array(String key, GgufValueType elements, int maxCount)
      throws ModelFormatException {
    Value value = values.get(key);
    if (value == null
        || value.type != GgufValueType.ARRAY
        || value.elements != elements
        || value.count > maxCount) {
      throw wrong(key, "an array of at most " + maxCount + " " + elements);
    }
    return value;
  }

  /** The error for a key with a wrong value. */
  ModelFormatException wrong(String key, String expected) {
    Value value = values.get(key);
    return new ModelFormatException(path, key, expected, value == null ? "nothing" : show(value));
  }

  private String show(Value value) {
    return switch (value.type) {
      case STRING -> {
        try {
          GgufCursor cursor = new GgufCursor(path, file, value.offset);
          yield "'" + cursor.text((int) Math.min(value.count, 200), "") + "'";
        } catch (IOException e) {
          yield "a string";
        }
      }
      case ARRAY -> "an array of " + value.count + " " + value.elements;
      case BOOL -> value.bits == 0 ? "false" : "true";
      case FLOAT32, FLOAT64 -> "" + real(value.type, value.bits);
      case UINT64 -> Long.toUnsignedString(value.bits);
      default -> "" + integer(value.type, value.bits);
    };
  }

  /** The value of the bits of a whole number; an unsigned one of 64 bits may seem negative. */
  private static long integer(GgufValueType type, long bits) {
    return switch (type) {
      case INT8 -> (byte) bits;
      case INT16 -> (short) bits;
      case INT32 -> (int) bits;
      default -> bits;
    };
  }

  private static double real(GgufValueType type, long bits) {
    return switch (type) {
      case FLOAT32 -> Float.intBitsToFloat((int) bits);
      case FLOAT64 -> Double.longBitsToDouble(bits);
      default -> integer(type, bits);
    };
  }
}
