package dev.tandem.formats.gguf;

import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The header of one GGUF file, version 2 or 3:
 *
 * <pre>
 * "GGUF", u32 version, u64 tensors, u64 keys
 * keys      string, u32 type, value       a string is u64 length, bytes
 * tensors   string, u32 dimensions, u64 extents (columns first), u32 type, u64 offset
 * data      from the next multiple of general.alignment (32) on, as are all offsets
 * </pre>
 *
 * @param path for messages
 * @param metadata the keys
 * @param tensors by name, in file order
 * @param dataBegin the length of everything before the tensors' data
 */
record GgufFile(String path, GgufMetadata metadata, Map<String, Entry> tensors, long dataBegin) {
  static final String ALIGNMENT = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  /** The first bytes of every GGUF file, as a little-endian number. */
  static final int MAGIC = 0x46554747;

  private static final int MAX_ALIGNMENT = 1 << 20;
  private static final int MAX_TENSORS = 1 << 16;
  private static final int MAX_NAME_BYTES = 1 << 10;
  private static final int MAX_DIMENSIONS = 4;

  /** Name's length, dimensions, one extent, type, offset. */
  private static final int MIN_TENSOR_BYTES = 3 * Long.BYTES + 2 * Integer.BYTES;

  /**
   * One tensor.
   *
   * @param extents columns first; trailing ones are left out
   */
  record Entry(String name, DType dtype, List<Long> extents, TensorData data) {}

  /** One tensor as the header states it; the offset counts from the beginning of the data. */
  private record Stated(String name, DType dtype, List<Long> extents, long offset, long bytes) {}

  /**
   * Reads the header of a file.
   *
   * @param path for messages
   * @param file its whole content
   * @throws ModelFormatException if the header is malformed or does not fit the file
   */
  static GgufFile read(String path, TensorData file) throws IOException {
    GgufCursor cursor = new GgufCursor(path, file, 0);
    if (cursor.u32("magic number") != MAGIC) {
      throw new ModelFormatException(path, "not a GGUF file: it does not begin with 'GGUF'");
    }
    checkVersion(path, cursor.u32("version"));
    long tensorCount = cursor.count(MIN_TENSOR_BYTES, "number of tensors");
    long keyCount = cursor.count(GgufMetadata.minEntryBytes(), "number of keys");
    if (tensorCount > MAX_TENSORS) {
      throw new ModelFormatException(
          path, "number of tensors", "at most " + MAX_TENSORS, "" + tensorCount);
    }
    GgufMetadata metadata = GgufMetadata.read(path, file, cursor, keyCount);
    int alignment = alignment(metadata);
    List<Stated> stated = new ArrayList<>();
    for (long i = 0; i < tensorCount; i++) {
      stated.add(readTensor(path, cursor, "tensor " + i, alignment));
    }
    long dataBegin = aligned(cursor.position(), alignment);
    return new GgufFile(path, metadata, entries(path, file, dataBegin, stated), dataBegin);
  }

  private static void checkVersion(String path, int version) throws ModelFormatException {
    if ((version & 0xffff) == 0) {
      throw new ModelFormatException(
          path,
          "a big-endian GGUF file; the package gguf of llama.cpp has gguf-convert-endian, which"
              + " makes it a little-endian one");
    }
    if (version != 2 && version != 3) {
      throw new ModelFormatException(
          path,
          "GGUF version",
          "2 or 3",
          Integer.toUnsignedString(version)
              + (version == 1 ? "; convert the original model again with a newer program" : ""));
    }
  }

  private static int alignment(GgufMetadata metadata) throws IOException {
    int alignment = metadata.integer(ALIGNMENT, DEFAULT_ALIGNMENT);
    if (alignment < 8 || alignment > MAX_ALIGNMENT || Integer.bitCount(alignment) != 1) {
      throw metadata.wrong(ALIGNMENT, "a power of two of 8.." + MAX_ALIGNMENT);
    }
    return alignment;
  }

  /** The next multiple of an alignment. */
  static long aligned(long position, int alignment) {
    return Math.addExact(position, alignment - 1) / alignment * alignment;
  }

  private static Stated readTensor(String path, GgufCursor cursor, String what, int alignment)
      throws IOException {
    String name = cursor.string(MAX_NAME_BYTES, what);
    if (name.isEmpty()) {
      throw new ModelFormatException(path, what, "a name", "an empty one");
    }
    int dimensions = cursor.u32(name);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw new ModelFormatException(
          path, name, "1.." + MAX_DIMENSIONS + " dimensions", Integer.toUnsignedString(dimensions));
    }
    List<Long> extents = new ArrayList<>();
    for (int i = 0; i < dimensions; i++) {
      extents.add(cursor.bits(Long.BYTES, name));
    }
    int number = cursor.u32(name);
    long offset = cursor.bits(Long.BYTES, name);
    Optional<DType> dtype = GgufTypes.of(number);
    if (dtype.isEmpty()) {
      throw new ModelFormatException(
          path,
          name,
          "a type of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, IQ4_NL",
          GgufTypes.name(number) + ", which is not supported");
    }
    if (offset < 0 || offset % alignment != 0) {
      throw new ModelFormatException(
          path,
          name,
          "an offset that is a multiple of " + alignment,
          Long.toUnsignedString(offset));
    }
    return checked(path, name, dtype.get(), extents, offset);
  }

  private static Stated checked(
      String path, String name, DType dtype, List<Long> extents, long offset)
      throws ModelFormatException {
    try {
      long elements = 1;
      for (long extent : extents) {
        if (extent < 1) {
          throw new ModelFormatException(path, name, "extents of at least 1", "" + extents);
        }
        elements = Math.multiplyExact(elements, extent);
      }
      if (extents.get(0) % dtype.blockElements() != 0) {
        throw new ModelFormatException(
            path,
            name,
            "rows of whole blocks of " + dtype.blockElements() + " for " + dtype,
            "rows of " + extents.get(0));
      }
      int kept = extents.size();
      while (kept > 1 && extents.get(kept - 1) == 1) {
        kept--;
      }
      return new Stated(
          name, dtype, List.copyOf(extents.subList(0, kept)), offset, dtype.bytes(elements));
    } catch (ArithmeticException e) {
      throw new ModelFormatException(path, name, "extents within 64 bits", extents.toString());
    }
  }

  /** Cuts the data; no tensor may reach into another one. */
  private static Map<String, Entry> entries(
      String path, TensorData file, long dataBegin, List<Stated> stated)
      throws ModelFormatException {
    Map<String, Entry> entries = new LinkedHashMap<>();
    long dataBytes = file.bytes() - dataBegin;
    for (Stated s : stated) {
      if (s.offset > dataBytes - s.bytes) {
        throw new ModelFormatException(
            path,
            s.name,
            s.bytes + " B at offset " + s.offset + " of the data",
            "a file that has " + Math.max(0, dataBytes) + " B of data; is it complete?");
      }
      TensorData data = file.region(dataBegin + s.offset, s.bytes);
      if (entries.put(s.name, new Entry(s.name, s.dtype, s.extents, data)) != null) {
        throw new ModelFormatException(path, s.name, "one such tensor", "two");
      }
    }
    List<Stated> sorted = new ArrayList<>(stated);
    sorted.sort(Comparator.comparingLong(Stated::offset));
    for (int i = 1; i < sorted.size(); i++) {
      Stated before = sorted.get(i - 1);
      Stated s = sorted.get(i);
      if (s.offset < before.offset + before.bytes) {
        throw new ModelFormatException(
            path,
            s.name,
            "data behind that of "
                + before.name
                + ", which ends at "
                + (before.offset + before.bytes),
            "data at " + s.offset);
      }
    }
    return entries;
  }
}
