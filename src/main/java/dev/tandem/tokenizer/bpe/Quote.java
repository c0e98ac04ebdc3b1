package dev.tandem.tokenizer.bpe;

import java.nio.charset.StandardCharsets;

/** Shows a part of a file in an error message: quoted, in one line, and shortened. */
public final class Quote {
  private static final int MAX_CHARS = 40;

  private Quote() {}

  /** The text that bytes are in UTF-8, up to 40 characters of it. */
  public static String of(byte[] bytes) {
    return of(new String(bytes, StandardCharsets.UTF_8));
  }

  /** Up to 40 characters of a text. */
  public static String of(String text) {
    return of(text, MAX_CHARS);
  }

  /** Up to {@code maxChars} characters of a text. */
  public static String of(String text, int maxChars) {
    StringBuilder quoted = new StringBuilder("\"");
    text.chars()
        .limit(maxChars)
        .forEach(c -> quoted.append(Character.isISOControl(c) ? '\uFFFD' : (char) c));
    return quoted.append(text.length() > maxChars ? "...\"" : "\"").toString();
  }
}
