package dev.tandem.tokenizer.text;

/**
 * What is done to a text before it is split.
 *
 * @param nfc whether it is brought into Unicode's normalization form C
 * @param prefix before which parts of a text a space is put
 * @param spaces how spaces are written
 * @param removeExtraSpaces whether spaces at both ends go, and of several in a row all but the
 *     first
 */
public record Normalizer(boolean nfc, Prefix prefix, Spaces spaces, boolean removeExtraSpaces) {
  /** Before which parts of a text a space is put; special tokens cut it into parts. */
  public enum Prefix {
    NEVER,
    /** Before the first one, and that behind a beginning-of-sequence token. */
    TEXT_START,
    EVERY
  }

  /** Changes nothing. */
  public static final Normalizer NONE = new Normalizer(false, Prefix.NEVER, Spaces.LITERAL, false);

  /** Whether a text stays as it is, so that it need not be copied. */
  boolean isIdentity() {
    return !nfc && prefix == Prefix.NEVER && spaces != Spaces.AS_U2581 && !removeExtraSpaces;
  }

  /**
   * The normal form of a part of a text.
   *
   * @param textStart whether it is the first one, or that behind a beginning-of-sequence token
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

  /** As SentencePiece does it: a U+2581 at the end goes, too, because it looks like a space. */
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
