package dev.tandem.settings;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A fault or an assumption that says what it is and what would change it, each by itself. */
public interface Remediable {

  /** What is the case, in one line, without the remedies. */
  String statement();

  /** Each of these alone would help; empty if no setting would. */
  List<Remedy> remedies();

  /** The statement and the remedies in one line, each remedy in the caller's words. */
  default String worded(Function<Remedy, String> words) {
    return remedies().isEmpty()
        ? statement()
        : remedies().stream()
            .map(words)
            .collect(Collectors.joining(", or ", statement() + "; ", ""));
  }

  /**
   * A text of a file or of another machine as a message may show it: it may be long and hold line
   * ends or terminal escapes. Control characters become question marks.
   *
   * @param maxChars code points that are kept; {@code ...} stands for the others
   */
  static String oneLine(String text, int maxChars) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(maxChars)
        .map(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? '?' : c)
        .forEach(out::appendCodePoint);
    return text.codePointCount(0, text.length()) > maxChars ? out + "..." : out.toString();
  }
}
