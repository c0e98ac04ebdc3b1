package dev.tandem.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a command writes: results as UTF-8 to standard output, the rest to standard error. */
final class Console {
  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean talkative;

  /**
   * @param verbose whether notes appear even where standard error is not a terminal
   */
  Console(PrintWriter out, PrintWriter err, boolean verbose) {
    this.out = out;
    this.err = err;
    this.talkative = verbose || isTerminal(2);
  }

  /** A writer of UTF-8 to one of the process's own streams. */
  static PrintWriter utf8(FileDescriptor stream) {
    return new PrintWriter(
        new OutputStreamWriter(new FileOutputStream(stream), StandardCharsets.UTF_8), false);
  }

  /** Prints a piece of the result at once; false when nobody reads any more. */
  boolean print(String text) {
    out.print(text);
    return !out.checkError(); // also flushes
  }

  /** Prints a line of the result. */
  void println(String line) {
    out.println(line);
    out.flush();
  }

  /** A line for a person who watches: shown on a terminal, or with {@code --verbose}. */
  void note(String line) {
    if (talkative) {
      err.println(line);
      err.flush();
    }
  }

  /** A line that the user must see. */
  void warn(String line) {
    err.println(line);
    err.flush();
  }

  /** Java 17 can only ask about standard input and output together, so the system is asked. */
  private static boolean isTerminal(int fileDescriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fileDescriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return System.console() != null; // not Linux
    }
  }
}
