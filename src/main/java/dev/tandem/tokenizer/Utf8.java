package dev.tandem.tokenizer;

/** UTF-8's details that the platform's charset does differently from what tokenizers want. */
final class Utf8 {
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
