package dev.tandem.formats.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * Builds GGUF files after the format's specification, apart from the program's own writer, and also
 * wrong ones: every field can be set. Types of values and tensors are the numbers in the file.
 */
public final class GgufBytes {
  public static final int U8 = 0;
  public static final int I8 = 1;
  public static final int U16 = 2;
  public static final int I16 = 3;
  public static final int U32 = 4;
  public static final int I32 = 5;
  public static final int F32 = 6;
  public static final int BOOL = 7;
  public static final int STRING = 8;
  public static final int ARRAY = 9;
  public static final int U64 = 10;
  public static final int I64 = 11;
  public static final int F64 = 12;

  /** What stands in the header for a key, with its name apart. */
  private static final class Key {
    private final String name;
    private final byte[] entry;

    Key(String name, byte[] entry) {
      this.name = name;
      this.entry = entry;
    }
  }

  private record TensorInfo(String name, int type, List<Long> extents, long offset) {}

  int magic = 0x46554747;
  int version = 3;
  int alignment = 32;

  /** Added to the counts that the header states. */
  long extraTensors;

  long extraKeys;

  private final List<Key> keys = new ArrayList<>();
  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
  private final List<TensorInfo> duplicates = new ArrayList<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();

  /** Adds a key, or replaces it. */
  public GgufBytes key(String name, int type, byte[] value) {
    keys.removeIf(key -> key.name.equals(name));
    return secondKey(name, type, value);
  }

  /** Adds a key even if there is one of its name. */
  public GgufBytes secondKey(String name, int type, byte[] value) {
    keys.add(new Key(name, joined(string(name), number(type, 4), value)));
    return this;
  }

  public GgufBytes without(String name) {
    keys.removeIf(key -> key.name.equals(name));
    return this;
  }

  public GgufBytes text(String name, String value) {
    return key(name, STRING, string(value));
  }

  public GgufBytes u32(String name, int value) {
    return key(name, U32, number(value, 4));
  }

  public GgufBytes f32(String name, float value) {
    return key(name, F32, number(Float.floatToRawIntBits(value), 4));
  }

  public GgufBytes flag(String name, boolean value) {
    return key(name, BOOL, new byte[] {(byte) (value ? 1 : 0)});
  }

  public GgufBytes texts(String name, List<String> values) {
    return key(name, ARRAY, array(STRING, values.stream().map(GgufBytes::string).toList()));
  }

  /** Adds a tensor behind the others, or replaces its entry. */
  public GgufBytes tensor(String name, int type, byte[] content, long... extents) {
    while (data.size() % alignment != 0) {
      data.write(0x55);
    }
    tensors.put(name, new TensorInfo(name, type, listed(extents), data.size()));
    data.writeBytes(content);
    return this;
  }

  /** Changes what the header says of a tensor, not its data. */
  public GgufBytes restate(String name, int type, long offset, long... extents) {
    tensors.put(name, new TensorInfo(name, type, listed(extents), offset));
    return this;
  }

  long offset(String name) {
    return info(name).offset;
  }

  public GgufBytes withoutTensor(String name) {
    tensors.remove(name);
    return this;
  }

  public GgufBytes secondTensor(String name) {
    duplicates.add(info(name));
    return this;
  }

  private TensorInfo info(String name) {
    return Objects.requireNonNull(tensors.get(name));
  }

  private static List<Long> listed(long... extents) {
    return LongStream.of(extents).boxed().toList();
  }

  public byte[] build() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    List<TensorInfo> infos = new ArrayList<>(tensors.values());
    infos.addAll(duplicates);
    out.writeBytes(number(magic, 4));
    out.writeBytes(number(version, 4));
    out.writeBytes(number(infos.size() + extraTensors, 8));
    out.writeBytes(number(keys.size() + extraKeys, 8));
    for (Key key : keys) {
      out.writeBytes(key.entry);
    }
    for (TensorInfo info : infos) {
      out.writeBytes(string(info.name));
      out.writeBytes(number(info.extents.size(), 4));
      for (long extent : info.extents) {
        out.writeBytes(number(extent, 8));
      }
      out.writeBytes(number(info.type, 4));
      out.writeBytes(number(info.offset, 8));
    }
    while (out.size() % alignment != 0) {
      out.write(0);
    }
    out.writeBytes(data.toByteArray());
    return out.toByteArray();
  }

  public static byte[] number(long value, int bytes) {
    byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    return Arrays.copyOf(all, bytes);
  }

  public static byte[] string(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    return joined(number(utf8.length, 8), utf8);
  }

  public static byte[] array(int type, List<byte[]> elements) {
    return joined(
        number(type, 4), number(elements.size(), 8), joined(elements.toArray(new byte[0][])));
  }

  public static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
