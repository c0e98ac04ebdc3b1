package dev.tandem.tensor;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A new file for a model. Its errors name the file; the system's errors do not. */
public final class OutputFile implements Closeable {
  private final Path path;
  private final FileChannel channel;

  private OutputFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Creates a file.
   *
   * @throws IOException if it already exists, or cannot be created
   */
  public static OutputFile create(Path path) throws IOException {
    return new OutputFile(
        path, FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
  }

  /** Appends all bytes that remain in a buffer. */
  public void write(ByteBuffer bytes) throws IOException {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw new IOException("cannot write " + path + ": " + e.getMessage(), e);
    }
  }

  /** Goes back to the beginning, to overwrite the content. */
  public void rewind() throws IOException {
    channel.position(0);
  }

  /** Waits until everything is on the disk. */
  public void sync() throws IOException {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw new IOException("cannot write " + path + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
