package dev.tandem.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Little-endian bytes in a file or in memory; safe for use by many threads. */
public sealed interface TensorData {

  /** The number of bytes. */
  long bytes();

  /**
   * A read-only little-endian view or copy of a range; a copy never exceeds {@code length} bytes.
   *
   * @throws IOException if the file cannot be read or is shorter than when it was opened
   * @throws IndexOutOfBoundsException if the part is not within the bytes
   */
  ByteBuffer slice(long offset, int length) throws IOException;

  /**
   * Copies a range with the length of {@code into}. Data in a file or in memory allocates nothing.
   *
   * @throws IOException if the file cannot be read or is shorter than when it was opened
   * @throws IndexOutOfBoundsException if the part is not within the bytes
   */
  default void read(long offset, byte[] into) throws IOException {
    slice(offset, into.length).get(into);
  }

  /**
   * A range as separate data; nothing is copied.
   *
   * @throws IndexOutOfBoundsException if the part is not within the bytes
   */
  TensorData region(long offset, long length);

  /**
   * Bytes of a file.
   *
   * @param source the open file; whoever opened it closes it
   * @param offset the first byte in the file
   * @param bytes how many
   */
  record FileRegion(TensorFile source, long offset, long bytes) implements TensorData {

    /** Checks that the region lies within the file. */
    public FileRegion {
      checkRange(offset, bytes, source.bytes());
    }

    /** The file's absolute path. */
    public Path file() {
      return source.path();
    }

    /** The whole file's length when it was opened. */
    public long fileBytes() {
      return source.bytes();
    }

    @Override
    public ByteBuffer slice(long offset, int length) throws IOException {
      checkRange(offset, length, bytes);
      byte[] copy = new byte[length];
      source.read(this.offset + offset, copy, 0, length);
      return ByteBuffer.wrap(copy).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void read(long offset, byte[] into) throws IOException {
      checkRange(offset, into.length, bytes);
      source.read(this.offset + offset, into, 0, into.length);
    }

    @Override
    public FileRegion region(long offset, long length) {
      checkRange(offset, length, bytes);
      return new FileRegion(source, this.offset + offset, length);
    }
  }

  /**
   * Bytes in direct memory.
   *
   * @param buffer a direct buffer; bytes 0 to its limit are used, its position is ignored
   */
  record MemoryRegion(ByteBuffer buffer) implements TensorData {
    /** The alignment of {@link #allocate}: a cache line. */
    public static final int ALIGNMENT = 64;

    /** Keeps a read-only view. */
    public MemoryRegion {
      if (!buffer.isDirect()) {
        throw new IllegalArgumentException("not a direct buffer");
      }
      buffer = buffer.duplicate().position(0).slice().asReadOnlyBuffer();
    }

    /** A writable, zeroed, little-endian direct buffer that begins on a cache line. */
    public static ByteBuffer allocate(int bytes) {
      ByteBuffer memory = ByteBuffer.allocateDirect(Math.addExact(bytes, ALIGNMENT - 1));
      int begin = -memory.alignmentOffset(0, ALIGNMENT) & (ALIGNMENT - 1);
      return memory.slice(begin, bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public long bytes() {
      return buffer.limit();
    }

    @Override
    public ByteBuffer slice(long offset, int length) {
      checkRange(offset, length, bytes());
      return buffer.slice((int) offset, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void read(long offset, byte[] into) {
      checkRange(offset, into.length, bytes());
      buffer.get((int) offset, into);
    }

    @Override
    public MemoryRegion region(long offset, long length) {
      checkRange(offset, length, bytes());
      return new MemoryRegion(buffer.slice((int) offset, (int) length));
    }
  }

  /**
   * Bytes that are computed from other bytes whenever they are read, because a foreign format has
   * another layout. Loading a model copies them into memory.
   */
  non-sealed interface Derived extends TensorData {
    @Override
    default TensorData region(long offset, long length) {
      checkRange(offset, length, bytes());
      return new DerivedRange(this, offset, length);
    }
  }

  /**
   * A range of derived data.
   *
   * @param whole the data that contains the range
   * @param offset where it begins
   * @param bytes how many
   */
  record DerivedRange(Derived whole, long offset, long bytes) implements Derived {
    @Override
    public ByteBuffer slice(long offset, int length) throws IOException {
      checkRange(offset, length, bytes);
      return whole.slice(this.offset + offset, length);
    }
  }

  /**
   * Checks that a range lies within a number of bytes.
   *
   * @throws IndexOutOfBoundsException if it does not
   */
  static void checkRange(long offset, long length, long bytes) {
    if (offset < 0 || length < 0 || offset > bytes - length) {
      throw new IndexOutOfBoundsException(offset + "+" + length + " is not within " + bytes + " B");
    }
  }
}
