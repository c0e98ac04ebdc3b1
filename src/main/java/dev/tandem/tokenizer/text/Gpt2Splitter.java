package dev.tandem.tokenizer.text;

/**
 * GPT-2's split pattern, implemented by hand:
 *
 * <pre>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</pre>
 *
 * <p>Source: {@code encoder.py} of OpenAI's GPT-2. Every character belongs to exactly one word.
 */
final class Gpt2Splitter {
  private Gpt2Splitter() {}

  /**
   * The end of the word that begins at {@code start}.
   *
   * @param end the end of the text; {@code start < end}
   */
  static int wordEnd(String text, int start, int end) {
    char first = text.charAt(start);
    if (first == '\'') {
      int contraction = contractionLength(text, start, end);
      if (contraction > 0) {
        return start + contraction;
      }
    }
    int at = start;
    if (first == ' '
        && start + 1 < end
        && CodePoints.classAt(text, start + 1, end) != UnicodeClasses.SPACE) {
      at++; // one space belongs to the word after it
    }
    int unicodeClass = CodePoints.classAt(text, at, end);
    int wordEnd = CodePoints.runEnd(text, at, end, unicodeClass);
    // \s+(?!\S): before a word, a run of white space leaves its last character (all are in the BMP)
    boolean leavesLast =
        unicodeClass == UnicodeClasses.SPACE && wordEnd < end && wordEnd - start > 1;
    return leavesLast ? wordEnd - 1 : wordEnd;
  }

  /** The length of the contraction at an apostrophe; 0 if there is none. */
  private static int contractionLength(String text, int start, int end) {
    int rest = end - start;
    if (rest < 2) {
      return 0;
    }
    char second = text.charAt(start + 1);
    if (second == 's' || second == 't' || second == 'm' || second == 'd') {
      return 2;
    }
    if (rest < 3) {
      return 0;
    }
    char third = text.charAt(start + 2);
    boolean three =
        (second == 'r' && third == 'e')
            || (second == 'v' && third == 'e')
            || (second == 'l' && third == 'l');
    return three ? 3 : 0;
  }
}
