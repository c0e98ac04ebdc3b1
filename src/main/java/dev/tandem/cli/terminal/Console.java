package dev.tandem.cli.terminal;

import dev.tandem.settings.Note;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;

/** Writes a command's output: results to standard output, the rest to standard error. */
public final class Console {
  public static final int STDOUT = 1;
  public static final int STDERR = 2;

  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean showsNotes;
  private boolean midLine;

  /**
   * @param verbose whether notes appear even if standard error is not a terminal
   */
  public Console(PrintWriter out, PrintWriter err, boolean verbose) {
    this.out = out;
    this.err = err;
    this.showsNotes = verbose || isTerminal(STDERR);
  }

  /** Where a command's results and warnings go. */
  public static Console of(CommandSpec spec) {
    return new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), false);
  }

  /** Prints a piece of the result at once; false if the reader went away. */
  public boolean print(String text) {
    out.print(text);
    if (!text.isEmpty()) {
      midLine = !text.endsWith("\n");
    }
    return !out.checkError(); // also flushes
  }

  /** Prints a line of the result, or the rest of one. */
  public void println(String line) {
    out.println(line);
    out.flush();
    midLine = false;
  }

  /** Ends a line that has begun, so that the next text starts on a new line. */
  public void endLine() {
    if (midLine) {
      println("");
    }
  }

  /** Prints a line that a user must see, such as an assumption. */
  public void warn(String line) {
    err.println(line);
    err.flush();
  }

  /** Prints a line that a user must see while the result is being printed. */
  public void interject(String line) {
    if (midLine && isTerminal(STDOUT)) {
      err.println();
    }
    warn(line);
  }

  /** Prints a note that a user must see, with the options that would change it. */
  public void warn(Note note) {
    warn(Messages.worded(note));
  }

  /** Prints a note that is shown only on a terminal, or with {@code --verbose}. */
  public void note(Note note) {
    note(Messages.worded(note));
  }

  /** Prints a line that is shown only on a terminal, or with {@code --verbose}. */
  public void note(String line) {
    if (showsNotes) {
      err.println(line);
      err.flush();
    }
  }

  /** Java 17 can only check standard input and output together, so this asks the system. */
  @SuppressWarnings("SystemConsoleNull") // the question that is left where there is no /proc
  public static boolean isTerminal(int fileDescriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fileDescriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return System.console() != null; // not Linux
    }
  }
}
