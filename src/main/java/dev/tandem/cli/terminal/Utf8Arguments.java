package dev.tandem.cli.terminal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The program's arguments as UTF-8 in any locale. Java decodes them with the locale's encoding and
 * replaces what that cannot express, under {@code LC_ALL=C} all but ASCII; Linux still has the
 * bytes.
 */
public final class Utf8Arguments {
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

  private Utf8Arguments() {}

  /** The arguments that {@code main} was given, decoded anew where Java could not. */
  static String[] of(String... args) {
    if (args.length == 0
        || "UTF-8".equalsIgnoreCase(System.getProperty("sun.jnu.encoding"))
        || !Files.isReadable(COMMAND_LINE)) {
      return args;
    }
    try {
      return decode(Files.readAllBytes(COMMAND_LINE), args);
    } catch (IOException e) {
      return args;
    }
  }

  /**
   * Decodes the last arguments of a command line.
   *
   * @param commandLine all arguments of the process, each with a zero byte at its end
   * @param args the last ones as Java decoded them; given back if they are not the same
   */
  public static String[] decode(byte[] commandLine, String... args) {
    List<ByteBuffer> all = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < commandLine.length; i++) {
      if (commandLine[i] == 0) {
        all.add(ByteBuffer.wrap(commandLine, from, i - from));
        from = i + 1;
      }
    }
    if (all.size() <= args.length) {
      return args;
    }
    String[] decoded = args.clone();
    for (int i = 0; i < args.length; i++) {
      String text;
      try {
        text =
            StandardCharsets.UTF_8
                .newDecoder()
                .decode(all.get(all.size() - args.length + i))
                .toString();
      } catch (CharacterCodingException e) {
        continue; // not UTF-8, so Java knows better
      }
      if (isAscii(text) && !text.equals(args[i])) {
        return args;
      }
      decoded[i] = text;
    }
    return decoded;
  }

  private static boolean isAscii(String text) {
    return text.chars().allMatch(c -> c < 0x80);
  }
}
