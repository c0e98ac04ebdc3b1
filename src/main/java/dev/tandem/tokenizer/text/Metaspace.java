package dev.tandem.tokenizer.text;

/**
 * Hugging Face's pre-tokenizer of this name: spaces become {@link Spaces#ESCAPED}, one is put
 * before the text, and a word begins at each of them.
 *
 * @param scheme the pieces that get one at the start, unless they begin with one
 * @param split whether pieces are split or stay whole
 */
public record Metaspace(Scheme scheme, boolean split) implements PreTokenizer {
  /** The pieces that get a space at the start. */
  public enum Scheme {
    ALWAYS,
    /** Only the piece at the start of the whole text. */
    FIRST,
    NEVER
  }

  @Override
  public void cut(String text, int start, int end, boolean first, Sink out) {
    String piece = text.substring(start, end).replace(' ', Spaces.ESCAPED);
    boolean prefixed = scheme == Scheme.ALWAYS || (scheme == Scheme.FIRST && first);
    if (prefixed && piece.charAt(0) != Spaces.ESCAPED) {
      piece = Spaces.ESCAPED + piece;
    }
    int at = 0;
    while (split && at < piece.length()) {
      int next = piece.indexOf(Spaces.ESCAPED, at + 1);
      int wordEnd = next < 0 ? piece.length() : next;
      out.piece(piece, at, wordEnd, first && at == 0);
      at = wordEnd;
    }
    if (!split) {
      out.piece(piece, 0, piece.length(), first);
    }
  }
}
