package dev.tandem.tokenizer.text;

/** Puts a space before each piece that does not begin with one: {@code add_prefix_space}. */
public final class PrefixSpace implements PreTokenizer {
  @Override
  public void cut(String text, int start, int end, boolean first, Sink out) {
    if (text.charAt(start) == ' ') {
      out.piece(text, start, end, first);
    } else {
      String prefixed = " " + text.substring(start, end);
      out.piece(prefixed, 0, prefixed.length(), first);
    }
  }
}
