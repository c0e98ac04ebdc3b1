package dev.tandem.tokenizer.text;

/** Code points of a range of a text: {@code Character.codePointAt} with an end. */
public final class CodePoints {
  private CodePoints() {}

  /** The code point at {@code at}; no char at or behind {@code end} belongs to it. */
  static int at(String text, int at, int end) {
    char high = text.charAt(at);
    if (Character.isHighSurrogate(high) && at + 1 < end) {
      char low = text.charAt(at + 1);
      if (Character.isLowSurrogate(low)) {
        return Character.toCodePoint(high, low);
      }
    }
    return high;
  }

  /** The {@link UnicodeClasses} class of the code point at {@code at}. */
  static int classAt(String text, int at, int end) {
    return UnicodeClasses.of(at(text, at, end));
  }

  /** The end of the run of code points of a class that begins at {@code start}. */
  public static int runEnd(String text, int start, int end, int unicodeClass) {
    int at = start;
    while (at < end) {
      int codePoint = at(text, at, end);
      if (UnicodeClasses.of(codePoint) != unicodeClass) {
        break;
      }
      at += Character.charCount(codePoint);
    }
    return at;
  }
}
