package dev.tandem.tokenizer.files;

import java.nio.charset.StandardCharsets;

/** Shows a part of a file in an error message: quoted, in one line, and shortened. */
final class Quote {
  private static final int MAX_CHARS = 40;

  private Quote() {}

  static String of(byte[] bytes) {
    return of(new String(bytes, StandardCharsets.UTF_8));
  }

  static String of(String text) {
    return of(text, MAX_CHARS);
  }

  static String of(String text, int maxChars) {
    StringBuilder quoted = new StringBuilder("\"");
    text.chars()
        .limit(maxChars)
        .forEach(c -> quoted.append(Character.isISOControl(c) ? '\uFFFD' : (char) c));
    return quoted.append(text.length() > maxChars ? "...\"" : "\"").toString();
  }
}
