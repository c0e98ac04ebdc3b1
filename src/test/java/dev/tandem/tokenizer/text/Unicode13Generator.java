package dev.tandem.tokenizer.text;

import java.util.ArrayList;
import java.util.List;

/**
 * Writes {@code src/test/resources/dev/tandem/tokenizer/text/unicode-13.txt} to standard output:
 * the general category of every code point that has one, by the running JDK. The committed file is
 * JDK 17's, whose Unicode is 13.0. Run it with that JDK as {@code java
 * src/test/java/dev/tandem/tokenizer/text/Unicode13Generator.java}.
 */
final class Unicode13Generator {
  private static final int MAX_LINE = 100;

  /** The highest value of {@link Character#getType}: FINAL_QUOTE_PUNCTUATION. */
  private static final int LAST_TYPE = 30;

  private Unicode13Generator() {}

  public static void main(String[] args) {
    System.out.print(table());
  }

  static String table() {
    StringBuilder out = new StringBuilder();
    out.append(
        "# Unicode 13.0: general categories by the numbers of Character.getType; code points\n");
    out.append("# that are in no line are unassigned. Made by Unicode13Generator.java, JDK 17.\n");
    for (int type = Character.UNASSIGNED + 1; type <= LAST_TYPE; type++) {
      StringBuilder line = new StringBuilder().append(type);
      for (String range : ranges(type)) {
        if (line.length() + 1 + range.length() > MAX_LINE) {
          out.append(line).append('\n');
          line = new StringBuilder().append(type);
        }
        line.append(' ').append(range);
      }
      if (line.indexOf(" ") > 0) {
        out.append(line).append('\n');
      }
    }
    return out.toString();
  }

  private static List<String> ranges(int type) {
    List<String> ranges = new ArrayList<>();
    int first = 0;
    for (int codePoint = 1; codePoint <= Character.MAX_CODE_POINT + 1; codePoint++) {
      if (codePoint > Character.MAX_CODE_POINT
          || Character.getType(codePoint) != Character.getType(first)) {
        if (Character.getType(first) == type) {
          String hex = Integer.toHexString(first);
          ranges.add(codePoint - 1 > first ? hex + "-" + Integer.toHexString(codePoint - 1) : hex);
        }
        first = codePoint;
      }
    }
    return ranges;
  }
}
