package dev.tandem.tokenizer.text;

import dev.tandem.tokenizer.files.TestTokenizers;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Unicode 13.0, which the tokenizers' tables hold, from the committed {@code unicode-13.txt}: the
 * JDK that runs the tests may have a later one.
 */
public final class Unicode13 {
  private static final byte[] TYPES = load();
  private static final boolean SAME_HERE =
      IntStream.rangeClosed(0, Character.MAX_CODE_POINT).allMatch(Unicode13::isSameHere);

  private Unicode13() {}

  private static byte[] load() {
    byte[] types = new byte[Character.MAX_CODE_POINT + 1]; // Character.UNASSIGNED is 0
    byte[] file = TestTokenizers.resource("/dev/tandem/tokenizer/text/unicode-13.txt");
    for (String line : new String(file, StandardCharsets.US_ASCII).lines().toList()) {
      if (!line.startsWith("#")) {
        String[] words = line.split(" ", -1);
        for (int i = 1; i < words.length; i++) {
          String[] range = words[i].split("-", -1);
          int first = Integer.parseInt(range[0], 16);
          int last = Integer.parseInt(range[range.length - 1], 16);
          Arrays.fill(types, first, last + 1, Byte.parseByte(words[0]));
        }
      }
    }
    return types;
  }

  /** What {@link Character#getType(int)} says with this version. */
  static int type(int codePoint) {
    return TYPES[codePoint];
  }

  static boolean isAssigned(int codePoint) {
    return TYPES[codePoint] != Character.UNASSIGNED;
  }

  /** The class that split patterns see. */
  static int unicodeClass(int codePoint) {
    return unicodeClass(codePoint, type(codePoint));
  }

  /** Whether the running JDK puts a code point in the same class. */
  static boolean isSameHere(int codePoint) {
    return unicodeClass(codePoint) == unicodeClass(codePoint, Character.getType(codePoint));
  }

  private static int unicodeClass(int codePoint, int type) {
    return switch (type) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          UnicodeClasses.LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          UnicodeClasses.NUMBER;
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          UnicodeClasses.SPACE;
      default -> // White_Space of PropList.txt has these controls, too
          (codePoint >= 0x09 && codePoint <= 0x0D) || codePoint == 0x85
              ? UnicodeClasses.SPACE
              : UnicodeClasses.OTHER;
    };
  }

  /**
   * A text of which a regular expression of the running JDK sees what one of this version would:
   * each code point that the JDK puts in another class is replaced by one of its class, with as
   * many chars. With JDK 17 that is the text itself.
   */
  public static String forThisJdk(String text) {
    if (SAME_HERE || text.codePoints().allMatch(Unicode13::isSameHere)) {
      return text;
    }
    StringBuilder out = new StringBuilder();
    text.codePoints().forEach(c -> out.appendCodePoint(isSameHere(c) ? c : inItsPlace(c)));
    return out.toString();
  }

  private static int inItsPlace(int codePoint) {
    boolean isShort = Character.charCount(codePoint) == 1;
    return switch (unicodeClass(codePoint)) {
      case UnicodeClasses.LETTER -> isShort ? 0x4E00 : 0x20000;
      case UnicodeClasses.NUMBER -> isShort ? 0x2160 : 0x1D7D8;
      case UnicodeClasses.SPACE -> 0x3000;
      default -> isShort ? 0xE000 : 0xF0000; // private use
    };
  }
}
