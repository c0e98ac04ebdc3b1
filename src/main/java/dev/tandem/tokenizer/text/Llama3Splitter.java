package dev.tandem.tokenizer.text;

/**
 * The split pattern of Llama 3 (numbers in groups of at most three digits) and of Qwen (each digit
 * is a word), implemented by hand:
 *
 * <pre>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
 * | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</pre>
 *
 * <p>Source: the {@code tokenizer.json} of these models. Every character belongs to exactly one
 * word.
 */
final class Llama3Splitter {
  private static final char LONG_S = '\u017F'; // the only other character whose case folds to s

  private Llama3Splitter() {}

  /**
   * The end of the word that begins at {@code start}.
   *
   * @param end the end of the text; {@code start < end}
   * @param maxDigits the largest number of digits in a word
   */
  static int wordEnd(String text, int start, int end, int maxDigits) {
    int contraction = contractionLength(text, start, end);
    if (contraction > 0) {
      return start + contraction;
    }
    int first = CodePoints.at(text, start, end);
    int second = start + Character.charCount(first);
    int firstClass = UnicodeClasses.of(first);
    int secondClass = second < end ? CodePoints.classAt(text, second, end) : -1;
    if (firstClass == UnicodeClasses.NUMBER) {
      return numberEnd(text, start, end, maxDigits);
    }
    if (firstClass == UnicodeClasses.LETTER
        || (secondClass == UnicodeClasses.LETTER && !isLineEnd(first))) {
      return CodePoints.runEnd(text, second, end, UnicodeClasses.LETTER);
    }
    if (firstClass == UnicodeClasses.OTHER
        || (first == ' ' && secondClass == UnicodeClasses.OTHER)) {
      int at = CodePoints.runEnd(text, second, end, UnicodeClasses.OTHER);
      while (at < end && isLineEnd(text.charAt(at))) {
        at++;
      }
      return at;
    }
    return whiteSpaceEnd(text, start, end);
  }

  private static int numberEnd(String text, int start, int end, int maxDigits) {
    int at = start;
    for (int i = 0; i < maxDigits && at < end; i++) {
      int codePoint = CodePoints.at(text, at, end);
      if (UnicodeClasses.of(codePoint) != UnicodeClasses.NUMBER) {
        break;
      }
      at += Character.charCount(codePoint);
    }
    return at;
  }

  /**
   * A run of white space ends after its last line end. Without a line end, it ends as in GPT-2's
   * pattern.
   */
  private static int whiteSpaceEnd(String text, int start, int end) {
    int runEnd = CodePoints.runEnd(text, start, end, UnicodeClasses.SPACE);
    for (int at = runEnd; at > start; at--) { // all white space is in the BMP
      if (isLineEnd(text.charAt(at - 1))) {
        return at;
      }
    }
    return runEnd < end && runEnd - start > 1 ? runEnd - 1 : runEnd;
  }

  private static boolean isLineEnd(int codePoint) {
    return codePoint == '\r' || codePoint == '\n';
  }

  /** The length of the contraction at {@code start}, in upper or lower case; 0 if there is none. */
  private static int contractionLength(String text, int start, int end) {
    if (text.charAt(start) != '\'' || start + 1 == end) {
      return 0;
    }
    char second = text.charAt(start + 1);
    if ("sStTmMdD".indexOf(second) >= 0 || second == LONG_S) {
      return 2;
    }
    if (start + 2 == end) {
      return 0;
    }
    char third = text.charAt(start + 2);
    boolean three =
        (isLetter(second, 'r') && isLetter(third, 'e'))
            || (isLetter(second, 'v') && isLetter(third, 'e'))
            || (isLetter(second, 'l') && isLetter(third, 'l'));
    return three ? 3 : 0;
  }

  /** Whether a character is an ASCII letter, in lower or upper case. */
  private static boolean isLetter(char c, char lowerCase) {
    return (c | 0x20) == lowerCase;
  }
}
