package dev.tandem.tokenizer.text;

/**
 * The changes to a text before it is split.
 *
 * @param nfc whether to apply Unicode's normalization form C
 * @param prefix the parts of a text that get a space at the start
 * @param spaces the written form of spaces
 * @param removeExtraSpaces whether to remove spaces at both ends, and all but the first of several
 *     in a row
 */
public record Normalizer(boolean nfc, Prefix prefix, Spaces spaces, boolean removeExtraSpaces) {
  /** The parts of a text that get a space at the start; special tokens cut a text into parts. */
  public enum Prefix {
    NEVER,
    /** The first part, and the part behind a beginning-of-sequence token. */
    TEXT_START,
    EVERY
  }

  /** Changes nothing. */
  public static final Normalizer NONE = new Normalizer(false, Prefix.NEVER, Spaces.LITERAL, false);

  /**
   * The normal form of one part of a text.
   *
   * @param textStart whether the part is the first one, or is behind a beginning-of-sequence token
   */
  public String apply(String text, boolean textStart) {
    String normal = nfc ? Nfc.normalize(text) : text;
    if (removeExtraSpaces) {
      normal = withoutExtraSpaces(normal);
    }
    if (!normal.isEmpty()
        && (prefix == Prefix.EVERY || (prefix == Prefix.TEXT_START && textStart))) {
      normal = " " + normal;
    }
    return spaces == Spaces.AS_U2581 ? normal.replace(' ', Spaces.ESCAPED) : normal;
  }

  /**
   * Removes extra spaces as SentencePiece does: also a U+2581 at the end, which it reads as a
   * space.
   */
  private String withoutExtraSpaces(String text) {
    StringBuilder kept = new StringBuilder(text.length());
    char previous = ' ';
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != ' ' || previous != ' ') {
        kept.append(c);
      }
      previous = c;
    }
    int end = kept.length();
    while (end > 0 && isSpaceAtEnd(kept.charAt(end - 1))) {
      end--;
    }
    return kept.substring(0, end);
  }

  private boolean isSpaceAtEnd(char c) {
    return c == ' ' || (c == Spaces.ESCAPED && spaces == Spaces.AS_U2581);
  }
}
