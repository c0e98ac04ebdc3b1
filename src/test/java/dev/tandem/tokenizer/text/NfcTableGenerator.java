package dev.tandem.tokenizer.text;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Writes {@code src/main/resources/dev/tandem/tokenizer/text/unicode-nfc.txt} to standard output,
 * from the Unicode data of the running JDK. The committed table is JDK 17's (Unicode 13.0). Run it
 * as {@code java src/test/java/dev/tandem/tokenizer/text/NfcTableGenerator.java}. The JDK does not
 * tell combining classes, but their order shows in what it does with two marks.
 */
final class NfcTableGenerator {
  private static final int MAX_LINE = 100;
  private static final String LOW_MARK = "\u0334"; // combining class 1, the least
  private static final String HIGH_MARK = "\u0345"; // combining class 240, the greatest

  private NfcTableGenerator() {}

  public static void main(String[] args) {
    System.out.print(table(Character::isDefined));
  }

  /**
   * The table of the characters named. No later version of Unicode changes the normal forms of what
   * is assigned, so that every JDK gives the same for the characters of an earlier one.
   */
  static String table(IntPredicate characters) {
    StringBuilder out = new StringBuilder();
    out.append(
        "# Unicode 13.0: C = marks of equal combining class, in the order of the classes;\n");
    out.append("# D = full canonical decompositions but Hangul's; P = pairs that compose.\n");
    out.append("# Code points in hexadecimal. Made by NfcTableGenerator.java.\n");
    marks(characters).forEach(sameClass -> append(out, "C", sameClass));
    List<String> decompositions = new ArrayList<>();
    List<String> pairs = new ArrayList<>();
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
      boolean surrogate =
          codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
      boolean hangul = codePoint >= 0xAC00 && codePoint <= 0xD7A3;
      boolean excluded = surrogate || hangul || !characters.test(codePoint);
      String text = Character.toString(codePoint);
      String decomposed = excluded ? text : nfd(text);
      if (decomposed.equals(text)) {
        continue;
      }
      int[] parts = decomposed.codePoints().toArray();
      decompositions.add(hex(codePoint) + "=" + hex(parts));
      String first = Normalizer.normalize(new String(parts, 0, parts.length - 1), Form.NFC);
      if (parts.length > 1 && Normalizer.isNormalized(text, Form.NFC)) {
        pairs.add(hex(first.codePointAt(0), parts[parts.length - 1]) + "=" + hex(codePoint));
      }
    }
    append(out, "D", decompositions);
    append(out, "P", pairs);
    return out.toString();
  }

  private static String nfd(String text) {
    return Normalizer.normalize(text, Form.NFD);
  }

  private static boolean swaps(String left, String right) {
    return nfd(left + right).equals(right + left);
  }

  private static int compare(String left, String right) {
    return swaps(left, right) ? 1 : swaps(right, left) ? -1 : 0;
  }

  private static List<List<String>> marks(IntPredicate characters) {
    List<String> marks = new ArrayList<>();
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
      String text = Character.toString(codePoint);
      if (characters.test(codePoint)
          && nfd(text).equals(text)
          && (swaps(HIGH_MARK, text) || swaps(text, LOW_MARK))) {
        marks.add(text);
      }
    }
    marks.sort(NfcTableGenerator::compare); // stable
    List<List<String>> classes = new ArrayList<>();
    String previous = "";
    for (String mark : marks) {
      if (classes.isEmpty() || compare(previous, mark) != 0) {
        classes.add(new ArrayList<>());
      }
      classes.get(classes.size() - 1).add(hex(mark.codePointAt(0)));
      previous = mark;
    }
    return classes;
  }

  private static String hex(int... codePoints) {
    List<String> words = new ArrayList<>();
    for (int codePoint : codePoints) {
      words.add(Integer.toHexString(codePoint));
    }
    return String.join("+", words);
  }

  /** A class of marks stays on one line; the others are cut into several. */
  private static void append(StringBuilder out, String name, List<String> words) {
    StringBuilder line = new StringBuilder(name);
    for (String word : words) {
      if (!name.equals("C") && line.length() + 1 + word.length() > MAX_LINE) {
        out.append(line).append('\n');
        line = new StringBuilder(name);
      }
      line.append(' ').append(word);
    }
    out.append(line).append('\n');
  }
}
