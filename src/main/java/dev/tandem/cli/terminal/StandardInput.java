package dev.tandem.cli.terminal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;

/** Standard input as an argument. */
public final class StandardInput {
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

  private StandardInput() {}

  /**
   * All of standard input as UTF-8 if the argument is {@code -}, otherwise the argument.
   *
   * @param spec the command, whose error output gets a line about input that is not UTF-8
   * @throws IOException if it is closed, or cannot be read
   */
  public static String textOr(CommandSpec spec, String argument) throws IOException {
    if (!argument.equals("-")) {
      return argument;
    }
    if (isClosed()) {
      throw new IOException("standard input is closed; give it a text, or < /dev/null for none");
    }
    return decoded(
        System.in.readAllBytes(),
        warning -> {
          spec.commandLine().getErr().println(warning);
          spec.commandLine().getErr().flush();
        });
  }

  /**
   * Whether the process was started without standard input. Then descriptor 0 is the first file
   * that the virtual machine opened for itself. Only Linux can tell.
   */
  private static boolean isClosed() throws IOException {
    if (!Files.isDirectory(DESCRIPTORS)) {
      return false;
    }
    try {
      Path input = Files.readSymbolicLink(DESCRIPTORS.resolve("0"));
      return input.startsWith(Path.of(System.getProperty("java.home")).toRealPath());
    } catch (NoSuchFileException e) {
      return true;
    }
  }

  /** UTF-8, with U+FFFD and one warning for what is none. */
  public static String decoded(byte[] bytes, Consumer<String> warning) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CoderResult result =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .decode(in, CharBuffer.allocate(bytes.length), true);
    if (result.isError()) {
      warning.accept(
          "standard input is not UTF-8 (byte "
              + in.position()
              + " is the first wrong one); U+FFFD stands for what cannot be read");
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
