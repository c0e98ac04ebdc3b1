package dev.tandem.formats.gguf;

import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads a GGUF file's little-endian fields one after another. Every length is checked against the
 * rest of the file before anything is allocated.
 */
final class GgufCursor {
  private static final int WINDOW_BYTES = 1 << 16;

  private final String path;
  private final TensorData file;
  private ByteBuffer window = ByteBuffer.allocate(0);
  private long windowBegin;
  private long position;

  /**
   * A cursor.
   *
   * @param path for messages
   * @param position the first byte to read
   */
  GgufCursor(String path, TensorData file, long position) {
    this.path = path;
    this.file = file;
    this.position = position;
  }

  long position() {
    return position;
  }

  long remaining() {
    return file.bytes() - position;
  }

  /** An unsigned byte. Here and below, {@code what} names the field in messages. */
  int u8(String what) throws IOException {
    return next(Byte.BYTES, what).get() & 0xff;
  }

  /** 32 bits, signed or not. */
  int u32(String what) throws IOException {
    return next(Integer.BYTES, what).getInt();
  }

  /** The bits of a number of 1, 2, 4 or 8 bytes, the upper ones zero. */
  long bits(int bytes, String what) throws IOException {
    ByteBuffer in = next(bytes, what);
    return switch (bytes) {
      case Byte.BYTES -> in.get() & 0xffL;
      case Short.BYTES -> in.getShort() & 0xffffL;
      case Integer.BYTES -> in.getInt() & 0xffff_ffffL;
      case Long.BYTES -> in.getLong();
      default -> throw new IllegalArgumentException(bytes + " B");
    };
  }

  /**
   * The number of items that follow.
   *
   * @param minBytes the smallest size of an item
   */
  long count(int minBytes, String what) throws IOException {
    long count = bits(Long.BYTES, what);
    long max = remaining() / minBytes;
    if (count < 0 || count > max) {
      throw new ModelFormatException(
          path,
          what,
          "at most " + max + ", the most that the file has room for",
          Long.toUnsignedString(count));
    }
    return count;
  }

  /** A string of at most {@code maxBytes} bytes. */
  String string(int maxBytes, String what) throws IOException {
    long bytes = count(1, "length of " + what);
    if (bytes > maxBytes) {
      throw new ModelFormatException(path, what, "at most " + maxBytes + " B", bytes + " B");
    }
    return text((int) bytes, what);
  }

  /** Characters without a length before them. */
  String text(int bytes, String what) throws IOException {
    byte[] utf8 = new byte[bytes];
    for (int done = 0; done < bytes; ) {
      int n = Math.min(bytes - done, WINDOW_BYTES);
      next(n, what).get(utf8, done, n);
      done += n;
    }
    return new String(utf8, StandardCharsets.UTF_8);
  }

  /** Skips bytes. */
  void skip(long bytes, String what) throws IOException {
    require(bytes, what);
    position += bytes;
  }

  private void require(long bytes, String what) throws ModelFormatException {
    if (bytes < 0 || bytes > remaining()) {
      throw new ModelFormatException(
          path,
          what,
          Long.toUnsignedString(bytes) + " B from byte " + position + " on",
          "a file that ends after " + remaining() + " B");
    }
  }

  /** The next bytes, at most a window of them, at the buffer's position. */
  private ByteBuffer next(int bytes, String what) throws IOException {
    require(bytes, what);
    long at = position - windowBegin;
    if (at < 0 || at + bytes > window.limit()) {
      window = file.slice(position, (int) Math.min(WINDOW_BYTES, remaining()));
      windowBegin = position;
      at = 0;
    }
    position += bytes;
    return window.position((int) at);
  }
}
