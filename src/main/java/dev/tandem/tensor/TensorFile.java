package dev.tandem.tensor;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;

/**
 * A regular file opened for positioned reads; safe for use by many threads. It detects a file that
 * became shorter. Unlike a {@code FileChannel}, it stays open when a thread is interrupted.
 */
public final class TensorFile implements Closeable {
  /** The longest single read, because the JDK copies through a temporary buffer of that length. */
  private static final int MAX_READ_BYTES = 1 << 20;

  private final Path path;
  private final RandomAccessFile file;
  private final long bytes;
  private final FileTime modified;
  private boolean closed;

  private TensorFile(Path path, RandomAccessFile file, long bytes, FileTime modified) {
    this.path = path;
    this.file = file;
    this.bytes = bytes;
    this.modified = modified;
  }

  /**
   * Opens a file and notes its length and modification time.
   *
   * @throws IOException if it is missing, not a regular file, or unreadable
   */
  public static TensorFile open(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "no such file");
    }
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    if (!attributes.isRegularFile()) {
      throw new IOException(path + ": not a regular file");
    }
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
    try {
      return new TensorFile(
          path.toAbsolutePath(), file, file.length(), attributes.lastModifiedTime());
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** The absolute path. */
  public Path path() {
    return path;
  }

  /** The length when it was opened. */
  public long bytes() {
    return bytes;
  }

  /** The modification time when it was opened. */
  public FileTime modified() {
    return modified;
  }

  /**
   * Reads {@code length} bytes from {@code offset} into {@code into[at ..]}.
   *
   * @throws IOException if the file is shorter than when it was opened
   * @throws IllegalStateException if it is closed
   */
  public synchronized void read(long offset, byte[] into, int at, int length) throws IOException {
    if (closed) {
      throw new IllegalStateException(path + " is closed");
    }
    try {
      file.seek(offset);
      for (int done = 0; done < length; ) {
        int n = Math.min(length - done, MAX_READ_BYTES);
        file.readFully(into, at + done, n);
        done += n;
      }
    } catch (EOFException e) {
      throw new IOException(
          path
              + ": shorter than when it was opened: expected "
              + bytes
              + " B, got "
              + file.length(),
          e);
    }
  }

  /** Closes the file; idempotent. */
  @Override
  public synchronized void close() throws IOException {
    closed = true;
    file.close();
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
