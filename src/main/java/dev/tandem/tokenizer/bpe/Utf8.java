package dev.tandem.tokenizer.bpe;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Details of UTF-8 in which tokenizers differ from the platform's charset. */
public final class Utf8 {
  private static final char REPLACEMENT = '\uFFFD';

  private Utf8() {}

  /**
   * The text with U+FFFD for each unpaired surrogate, which UTF-8 cannot express ({@code
   * String.getBytes} would make it a question mark).
   */
  static String wellFormed(String text) {
    int bad = firstUnpaired(text, 0);
    if (bad == text.length()) {
      return text;
    }
    StringBuilder fixed = new StringBuilder(text);
    while (bad < text.length()) {
      fixed.setCharAt(bad, REPLACEMENT);
      bad = firstUnpaired(text, bad + 1);
    }
    return fixed.toString();
  }

  /**
   * The text of bytes that must be UTF-8.
   *
   * @param what the name of the bytes, for messages
   */
  public static String decode(String what, byte[] utf8) throws TokenizerFormatException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw new TokenizerFormatException(what, "UTF-8", String.valueOf(e.getMessage()));
    }
  }

  private static int firstUnpaired(String text, int start) {
    int at = start;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (Character.isHighSurrogate(c)
          && at + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(at + 1))) {
        at += 2;
      } else if (Character.isSurrogate(c)) {
        return at;
      } else {
        at++;
      }
    }
    return at;
  }
}
