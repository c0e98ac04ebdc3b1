package dev.tandem.cli.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Shows tokens in readable form. */
public final class TokenText {
  private TokenText() {}

  /**
   * A token's bytes as text in one line. Incomplete characters, and characters that control the
   * terminal, are shown as {@code }, {@code \t}, {@code \r}, {@code \\} or {@code \xNN}.
   */
  public static String shown(byte[] bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer characters = CharBuffer.allocate(bytes.length);
    StringBuilder shown = new StringBuilder();
    while (in.hasRemaining()) {
      CoderResult result = decoder.decode(in, characters, true);
      characters.flip().codePoints().forEach(c -> append(shown, c));
      characters.clear();
      if (result.isError()) {
        for (int i = 0; i < result.length(); i++) {
          appendByte(shown, in.get());
        }
        decoder.reset();
      }
    }
    return shown.toString();
  }

  private static void append(StringBuilder shown, int character) {
    switch (character) {
      case '\n' -> shown.append("\\n");
      case '\t' -> shown.append("\\t");
      case '\r' -> shown.append("\\r");
      case '\\' -> shown.append("\\\\");
      default -> {
        if (Character.isISOControl(character)) {
          for (byte b : Character.toString(character).getBytes(StandardCharsets.UTF_8)) {
            appendByte(shown, b);
          }
        } else {
          shown.appendCodePoint(character);
        }
      }
    }
  }

  private static void appendByte(StringBuilder shown, byte b) {
    shown.append(String.format(Locale.ROOT, "\\x%02X", b));
  }
}
