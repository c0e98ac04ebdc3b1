package dev.tandem.tokenizer.text;

/** How the tokens of a vocabulary of characters write a space. */
public enum Spaces {
  /** As it is. */
  LITERAL,
  /** As U+2581, which a text's own U+2581 is then the same as: SentencePiece. */
  AS_U2581,
  /** The same, but {@link Metaspace} is what replaces them, not the {@link Normalizer}. */
  AS_U2581_BY_METASPACE,
  /**
   * As U+2581, which a text's own U+2581 is not the same as: llama2.c, whose files hold spaces
   * again.
   */
  AS_DISTINCT_U2581;

  /** U+2581, LOWER ONE EIGHTH BLOCK. */
  public static final char ESCAPED = '\u2581';

  /** A token as the text that it stands for. */
  public String unescape(String name) {
    return this == LITERAL ? name : name.replace(ESCAPED, ' ');
  }

  /** A token as encoding meets it. */
  public String working(String name) {
    return this == AS_DISTINCT_U2581 ? unescape(name) : name;
  }
}
