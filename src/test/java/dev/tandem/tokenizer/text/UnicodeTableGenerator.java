package dev.tandem.tokenizer.text;

import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/**
 * Writes {@code src/main/resources/dev/tandem/tokenizer/text/unicode-classes.txt} to standard
 * output, from the Unicode data of the running JDK. The committed table is JDK 17's (Unicode 13.0).
 * Run it as {@code java src/test/java/dev/tandem/tokenizer/text/UnicodeTableGenerator.java}.
 */
final class UnicodeTableGenerator {
  private static final int MAX_LINE = 100;

  private UnicodeTableGenerator() {}

  public static void main(String[] args) {
    System.out.print(table(Character::getType));
  }

  /** The table of general categories as {@link Character#getType(int)} tells them. */
  static String table(IntUnaryOperator types) {
    StringBuilder out = new StringBuilder();
    out.append("# Unicode 13.0: L = \\p{L}, N = \\p{N}, S = White_Space; all else is neither.\n");
    out.append("# Code points and ranges in hexadecimal. Made by UnicodeTableGenerator.java.\n");
    append(out, "L", c -> isLetter(types.applyAsInt(c)));
    append(out, "N", c -> isNumber(types.applyAsInt(c)));
    append(out, "S", c -> isWhiteSpace(c, types.applyAsInt(c)));
    return out.toString();
  }

  private static boolean isLetter(int type) {
    return type == Character.UPPERCASE_LETTER
        || type == Character.LOWERCASE_LETTER
        || type == Character.TITLECASE_LETTER
        || type == Character.MODIFIER_LETTER
        || type == Character.OTHER_LETTER;
  }

  private static boolean isNumber(int type) {
    return type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER;
  }

  /** White_Space of PropList.txt: the separators, U+0009..U+000D and U+0085. */
  private static boolean isWhiteSpace(int codePoint, int type) {
    return type == Character.SPACE_SEPARATOR
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR
        || (codePoint >= 0x09 && codePoint <= 0x0D)
        || codePoint == 0x85;
  }

  private static void append(StringBuilder out, String name, IntPredicate member) {
    StringBuilder line = new StringBuilder(name);
    int codePoint = 0;
    while (codePoint <= Character.MAX_CODE_POINT) {
      if (!member.test(codePoint)) {
        codePoint++;
        continue;
      }
      int first = codePoint;
      while (codePoint <= Character.MAX_CODE_POINT && member.test(codePoint)) {
        codePoint++;
      }
      int last = codePoint - 1;
      String range =
          Integer.toHexString(first) + (last > first ? "-" + Integer.toHexString(last) : "");
      if (line.length() + 1 + range.length() > MAX_LINE) {
        out.append(line).append('\n');
        line = new StringBuilder(name);
      }
      line.append(' ').append(range);
    }
    out.append(line).append('\n');
  }
}
