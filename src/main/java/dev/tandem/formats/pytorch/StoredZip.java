package dev.tandem.formats.pytorch;

import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * A zip archive, read in place because its entries are stored uncompressed. Follows PKWARE's
 * APPNOTE, with zip64. Sizes come from the central directory: stream writers, such as PyTorch's,
 * omit them in the entries' own headers.
 */
public final class StoredZip {
  /** The first bytes of a zip archive with at least one entry, as a little-endian i32. */
  public static final int MAGIC = 0x04034b50;

  private static final int CENTRAL_MAGIC = 0x02014b50;
  private static final int END_MAGIC = 0x06054b50;
  private static final int END64_MAGIC = 0x06064b50;
  private static final int LOCATOR64_MAGIC = 0x07064b50;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int END_BYTES = 22;
  private static final int END64_BYTES = 56;
  private static final int LOCATOR64_BYTES = 20;
  private static final int ZIP64_EXTRA = 1;
  private static final int MAX_COMMENT_BYTES = 0xffff;
  private static final int MAX_ENTRIES = 1 << 16;
  private static final int MAX_CENTRAL_BYTES = 16 << 20;

  /** One entry of the central directory; {@code header} is the offset of its own header. */
  private record Entry(int flags, int method, long stored, long bytes, long header) {}

  /** The place and the size of the central directory. */
  private record Central(long offset, long bytes, long entries) {}

  private final String path;
  private final TensorData file;
  private final long centralOffset;
  private final Map<String, Entry> entries = new HashMap<>();

  /**
   * Reads the central directory.
   *
   * @param path for messages
   * @param file the whole archive
   * @throws ModelFormatException if it is malformed or does not fit the file
   */
  StoredZip(String path, TensorData file) throws IOException {
    this.path = path;
    this.file = file;
    Central central = central();
    centralOffset = central.offset;
    if (central.entries > MAX_ENTRIES || central.bytes > MAX_CENTRAL_BYTES) {
      throw wrong(
          "central directory",
          "at most " + MAX_ENTRIES + " entries in " + MAX_CENTRAL_BYTES + " B",
          central.entries + " in " + central.bytes + " B");
    }
    ByteBuffer in = bytes("central directory", central.offset, central.bytes);
    for (long i = 0; i < central.entries; i++) {
      readEntry(in);
    }
    if (in.hasRemaining()) {
      throw wrong("central directory", "its end", in.remaining() + " B more");
    }
  }

  /** The names of all entries. */
  Set<String> names() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  /**
   * The bytes of an entry; reads only its header.
   *
   * @throws ModelFormatException if there is no such entry, it is compressed or encrypted, or its
   *     header disagrees with the central directory
   */
  TensorData data(String name) throws IOException {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw wrong(name, "an entry of the archive", "none");
    }
    if (entry.method != 0 || entry.flags % 2 != 0 || entry.stored != entry.bytes) {
      throw wrong(
          name,
          "an uncompressed entry (unpack the archive and pack it with zip -0, or load it in"
              + " PyTorch and torch.save it again)",
          entry.flags % 2 != 0 ? "an encrypted one" : "a compressed one");
    }
    ByteBuffer header = bytes(name, entry.header, LOCAL_BYTES);
    int nameBytes = Short.toUnsignedInt(header.getShort(26));
    int extraBytes = Short.toUnsignedInt(header.getShort(28));
    boolean same =
        header.getInt(0) == MAGIC
            && header.getShort(8) == entry.method
            && text(bytes(name, entry.header + LOCAL_BYTES, nameBytes), nameBytes).equals(name);
    if (!same) {
      throw wrong(name, "a header like that in the central directory", "another");
    }
    long begin = entry.header + LOCAL_BYTES + nameBytes + extraBytes;
    if (begin > centralOffset - entry.bytes) {
      throw wrong(
          name,
          "data within the " + centralOffset + " B before the central directory",
          entry.bytes + " B at " + begin);
    }
    return file.region(begin, entry.bytes);
  }

  /** Finds the end record, which only a comment may follow. */
  private Central central() throws IOException {
    int tail = (int) Math.min(file.bytes(), END_BYTES + MAX_COMMENT_BYTES);
    long tailBegin = file.bytes() - tail;
    ByteBuffer in = bytes("end", tailBegin, tail);
    for (int at = tail - END_BYTES; at >= 0; at--) {
      if (in.getInt(at) == END_MAGIC
          && at + END_BYTES + Short.toUnsignedInt(in.getShort(at + 20)) == tail) {
        return central(in, at, tailBegin + at);
      }
    }
    throw wrong("end of the archive", "the end record of a zip archive", "none (is it cut off?)");
  }

  private Central central(ByteBuffer in, int at, long end) throws IOException {
    long locator = end - LOCATOR64_BYTES;
    ByteBuffer locating =
        locator < 0 ? ByteBuffer.allocate(0) : bytes("zip64 locator", locator, LOCATOR64_BYTES);
    Central central;
    if (locator >= 0 && locating.getInt(0) == LOCATOR64_MAGIC) {
      ByteBuffer end64 = bytes("zip64 end record", locating.getLong(8), END64_BYTES);
      if (end64.getInt(0) != END64_MAGIC) {
        throw wrong("zip64 end record", "its magic number", Integer.toHexString(end64.getInt(0)));
      }
      central = new Central(end64.getLong(48), end64.getLong(40), end64.getLong(32));
    } else {
      central =
          new Central(
              Integer.toUnsignedLong(in.getInt(at + 16)),
              Integer.toUnsignedLong(in.getInt(at + 12)),
              Short.toUnsignedInt(in.getShort(at + 10)));
    }
    boolean within =
        central.offset >= 0
            && central.bytes >= 0
            && central.entries >= 0
            && central.offset <= end - central.bytes;
    if (!within) {
      throw wrong(
          "central directory", "a part of the file", central.bytes + " B at " + central.offset);
    }
    return central;
  }

  private void readEntry(ByteBuffer in) throws ModelFormatException {
    if (in.remaining() < CENTRAL_BYTES || in.getInt(in.position()) != CENTRAL_MAGIC) {
      throw wrong("central directory", "another entry", in.remaining() + " B of something else");
    }
    ByteBuffer fixed = part(in, CENTRAL_BYTES);
    int nameBytes = Short.toUnsignedInt(fixed.getShort(28));
    int extraBytes = Short.toUnsignedInt(fixed.getShort(30));
    int commentBytes = Short.toUnsignedInt(fixed.getShort(32));
    if (in.remaining() < nameBytes + extraBytes + commentBytes) {
      throw wrong("central directory", "a whole entry", "a part of one");
    }
    String name = text(part(in, nameBytes), nameBytes);
    ByteBuffer extra = part(in, extraBytes);
    part(in, commentBytes);
    long[] sizes = {
      Integer.toUnsignedLong(fixed.getInt(24)), // uncompressed, compressed, header: zip64's order
      Integer.toUnsignedLong(fixed.getInt(20)),
      Integer.toUnsignedLong(fixed.getInt(42))
    };
    readZip64(name, extra, sizes);
    Entry entry =
        new Entry(
            Short.toUnsignedInt(fixed.getShort(8)),
            Short.toUnsignedInt(fixed.getShort(10)),
            sizes[1],
            sizes[0],
            sizes[2]);
    if (sizes[0] < 0 || sizes[1] < 0 || sizes[2] < 0 || sizes[2] > centralOffset) {
      throw wrong(name, "an entry within the file", sizes[1] + " B at " + sizes[2]);
    }
    if (entries.put(name, entry) != null) {
      throw wrong(name, "one such entry", "two");
    }
  }

  /** Replaces sizes of 0xffffffff by those of the zip64 field, which holds only these. */
  private void readZip64(String name, ByteBuffer extra, long[] sizes) throws ModelFormatException {
    while (extra.remaining() >= 4) {
      int id = Short.toUnsignedInt(extra.getShort());
      int length = Short.toUnsignedInt(extra.getShort());
      if (length > extra.remaining()) {
        break;
      }
      ByteBuffer field = part(extra, length);
      for (int i = 0; id == ZIP64_EXTRA && i < sizes.length; i++) {
        if (sizes[i] == 0xffffffffL) {
          if (field.remaining() < Long.BYTES) {
            throw wrong(name, "a zip64 field of 8 B for each large size", length + " B");
          }
          sizes[i] = field.getLong();
        }
      }
    }
  }

  private static ByteBuffer part(ByteBuffer in, int bytes) {
    ByteBuffer part = in.slice(in.position(), bytes).order(in.order());
    in.position(in.position() + bytes);
    return part;
  }

  private static String text(ByteBuffer in, int bytes) {
    byte[] text = new byte[bytes];
    in.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  private ByteBuffer bytes(String what, long offset, long bytes) throws IOException {
    if (offset < 0 || offset > file.bytes() - bytes) {
      throw wrong(what, "a part of the file", bytes + " B at " + offset);
    }
    return file.slice(offset, (int) bytes);
  }

  private ModelFormatException wrong(String what, String expected, String got) {
    return new ModelFormatException(path, what, expected, got);
  }
}
