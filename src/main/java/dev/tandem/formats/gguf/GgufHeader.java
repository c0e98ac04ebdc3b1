package dev.tandem.formats.gguf;

import dev.tandem.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Builds the header of a GGUF file, version 3: keys, then tensors; see {@link GgufFile}. */
final class GgufHeader {
  private static final int VERSION = 3;

  private final ByteArrayOutputStream keys = new ByteArrayOutputStream();
  private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
  private long keyCount;
  private long tensorCount;
  private long dataBytes;

  void text(String key, String value) {
    key(key, GgufValueType.STRING);
    string(keys, value);
  }

  void u32(String key, int value) {
    key(key, GgufValueType.UINT32);
    number(keys, value, Integer.BYTES);
  }

  void f32(String key, float value) {
    key(key, GgufValueType.FLOAT32);
    number(keys, Float.floatToRawIntBits(value), Float.BYTES);
  }

  void f64(String key, double value) {
    key(key, GgufValueType.FLOAT64);
    number(keys, Double.doubleToRawLongBits(value), Double.BYTES);
  }

  void flag(String key, boolean value) {
    key(key, GgufValueType.BOOL);
    keys.write(value ? 1 : 0);
  }

  void texts(String key, List<String> values) {
    array(key, GgufValueType.STRING, values.size());
    values.forEach(value -> string(keys, value));
  }

  void f32s(String key, List<Float> values) {
    array(key, GgufValueType.FLOAT32, values.size());
    for (float value : values) {
      number(keys, Float.floatToRawIntBits(value), Float.BYTES);
    }
  }

  void i32s(String key, List<Integer> values) {
    array(key, GgufValueType.INT32, values.size());
    for (int value : values) {
      number(keys, value, Integer.BYTES);
    }
  }

  void u64s(String key, long[] values) {
    array(key, GgufValueType.UINT64, values.length);
    for (long value : values) {
      number(keys, value, Long.BYTES);
    }
  }

  /** The next tensor; its data lie behind those of the tensors before, aligned. */
  void tensor(String name, DType dtype, long rows, long cols) {
    string(tensors, name);
    boolean vector = rows == 1;
    number(tensors, vector ? 1 : 2, Integer.BYTES);
    number(tensors, cols, Long.BYTES);
    if (!vector) {
      number(tensors, rows, Long.BYTES);
    }
    number(tensors, GgufTypes.number(dtype), Integer.BYTES);
    number(tensors, dataBytes, Long.BYTES);
    long bytes = dtype.bytes(Math.multiplyExact(rows, cols));
    dataBytes = Math.addExact(dataBytes, padded(bytes));
    tensorCount++;
  }

  /** The offset at which the next tensor's data may begin. */
  static long padded(long bytes) {
    return GgufFile.aligned(bytes, GgufFile.DEFAULT_ALIGNMENT);
  }

  /** The whole header, padded to the beginning of the data. */
  byte[] toBytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    number(out, GgufFile.MAGIC, Integer.BYTES);
    number(out, VERSION, Integer.BYTES);
    number(out, tensorCount, Long.BYTES);
    number(out, keyCount, Long.BYTES);
    out.writeBytes(keys.toByteArray());
    out.writeBytes(tensors.toByteArray());
    out.writeBytes(new byte[(int) (padded(out.size()) - out.size())]);
    return out.toByteArray();
  }

  private void key(String key, GgufValueType type) {
    string(keys, key);
    number(keys, type.number(), Integer.BYTES);
    keyCount++;
  }

  private void array(String key, GgufValueType elements, int count) {
    key(key, GgufValueType.ARRAY);
    number(keys, elements.number(), Integer.BYTES);
    number(keys, count, Long.BYTES);
  }

  private static void string(ByteArrayOutputStream out, String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    number(out, utf8.length, Long.BYTES);
    out.writeBytes(utf8);
  }

  private static void number(ByteArrayOutputStream out, long value, int bytes) {
    for (int i = 0; i < bytes; i++) {
      out.write((int) (value >>> (Byte.SIZE * i)));
    }
  }
}
