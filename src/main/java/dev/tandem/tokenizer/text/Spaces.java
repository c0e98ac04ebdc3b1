package dev.tandem.tokenizer.text;

/** The written form of a space in a vocabulary of characters. */
public enum Spaces {
  /** A space stays a space. */
  LITERAL,
  /** As U+2581; a text's own U+2581 then also means a space: SentencePiece. */
  AS_U2581,
  /** The same, but {@link Metaspace} replaces the spaces, not the {@link Normalizer}. */
  AS_U2581_BY_METASPACE,
  /**
   * As U+2581, but a text's own U+2581 does not mean a space: llama2.c, whose files hold spaces
   * again.
   */
  AS_DISTINCT_U2581;

  /** U+2581, LOWER ONE EIGHTH BLOCK. */
  public static final char ESCAPED = '\u2581';

  /** Converts a token to its text. */
  public String unescape(String name) {
    return this == LITERAL ? name : name.replace(ESCAPED, ' ');
  }

  /** Converts a token to the form that encoding compares with. */
  public String working(String name) {
    return this == AS_DISTINCT_U2581 ? unescape(name) : name;
  }
}
