package dev.tandem.cli.terminal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The program's arguments and environment as UTF-8 in any locale. Java decodes them with the
 * locale's encoding and replaces the characters that the encoding lacks; under {@code LC_ALL=C}
 * these are all but ASCII. Linux still has the bytes.
 */
public final class Utf8Arguments {
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
  private static final Path ENVIRONMENT = Path.of("/proc/self/environ");

  private Utf8Arguments() {}

  /** The arguments of {@code main}; those that Java could not decode are decoded again. */
  static String[] of(String... args) {
    if (args.length == 0 || !isNeeded(COMMAND_LINE)) {
      return args;
    }
    try {
      return decode(Files.readAllBytes(COMMAND_LINE), args);
    } catch (IOException e) {
      return args;
    }
  }

  /** The variables of the environment; those that Java could not decode are decoded again. */
  static Map<String, String> environment() {
    if (!isNeeded(ENVIRONMENT)) {
      return System.getenv();
    }
    try {
      return decodeEnvironment(Files.readAllBytes(ENVIRONMENT), System.getenv());
    } catch (IOException e) {
      return System.getenv();
    }
  }

  /**
   * Decodes the values of variables.
   *
   * @param environment NAME=VALUE, each with a zero byte at its end
   * @param decoded as Java decoded them; what is not UTF-8 stays so
   */
  public static Map<String, String> decodeEnvironment(
      byte[] environment, Map<String, String> decoded) {
    Map<String, String> variables = new HashMap<>(decoded);
    for (ByteBuffer variable : split(environment)) {
      String text;
      try {
        text = utf8(variable);
      } catch (CharacterCodingException e) {
        continue; // not UTF-8, so Java's decoding stays
      }
      int equals = text.indexOf('=');
      if (equals > 0) {
        variables.replace(text.substring(0, equals), text.substring(equals + 1));
      }
    }
    return variables;
  }

  private static boolean isNeeded(Path source) {
    return !"UTF-8".equalsIgnoreCase(System.getProperty("sun.jnu.encoding"))
        && Files.isReadable(source);
  }

  private static List<ByteBuffer> split(byte[] texts) {
    List<ByteBuffer> all = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < texts.length; i++) {
      if (texts[i] == 0) {
        all.add(ByteBuffer.wrap(texts, from, i - from));
        from = i + 1;
      }
    }
    return all;
  }

  private static String utf8(ByteBuffer bytes) throws CharacterCodingException {
    return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
  }

  /**
   * Decodes the last arguments of a command line.
   *
   * @param commandLine all arguments of the process, each with a zero byte at its end
   * @param args the last arguments as Java decoded them; returned unchanged if they do not match
   */
  public static String[] decode(byte[] commandLine, String... args) {
    List<ByteBuffer> all = split(commandLine);
    if (all.size() <= args.length) {
      return args;
    }
    String[] decoded = args.clone();
    for (int i = 0; i < args.length; i++) {
      String text;
      try {
        text = utf8(all.get(all.size() - args.length + i));
      } catch (CharacterCodingException e) {
        continue; // not UTF-8, so Java's decoding stays
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
