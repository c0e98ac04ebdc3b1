package dev.tandem.cli.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** One of the process's own streams; it remembers a failure to write. */
final class StandardStream extends OutputStream {
  private final OutputStream stream;
  private final int number;
  private volatile Optional<IOException> failure = Optional.empty();

  /**
   * A stream of this process.
   *
   * @param number the descriptor's number
   */
  StandardStream(FileDescriptor descriptor, int number) {
    stream = new FileOutputStream(descriptor);
    this.number = number;
  }

  /** A writer of UTF-8 in any locale. */
  PrintWriter writer() {
    return new PrintWriter(new OutputStreamWriter(this, StandardCharsets.UTF_8), false);
  }

  /** The failure to write; also empty if the reader went away. */
  Optional<IOException> failure() {
    return failure.filter(e -> !readerWentAway(e));
  }

  /** A write to a pipe fails only if its reader went away. */
  private boolean readerWentAway(IOException failure) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd/" + number))
          .toString()
          .startsWith("pipe:");
    } catch (IOException | UnsupportedOperationException e) {
      // Not Linux. Java has no type for EPIPE, so the system's own message must do.
      return String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT).contains("pipe");
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      stream.write(bytes, offset, length);
    } catch (IOException e) {
      failure = Optional.of(e);
      throw e;
    }
  }
}
