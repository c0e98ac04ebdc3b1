package dev.tandem.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.files.TestTokenizers;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * Against the JDK's own. The table holds Unicode 13, and no later version changes the normal forms
 * of its characters; for what it does not assign a noncharacter stands in, which is as inert.
 */
class NfcTest {
  @Test
  void theTableIsWhatTheGeneratorMakes() {
    byte[] table = TestTokenizers.resource("/dev/tandem/tokenizer/text/unicode-nfc.txt");
    assertThat(new String(table, StandardCharsets.US_ASCII))
        .isEqualTo(NfcTableGenerator.table(Unicode13::isAssigned));
  }

  @Test
  void knownForms() {
    assertThat(Nfc.normalize("e\u0301")).isEqualTo("\u00e9");
    assertThat(Nfc.normalize("\u1112\u1161\u11ab")).isEqualTo("\ud55c");
    assertThat(Nfc.normalize("\u212b")).isEqualTo("\u00c5");
    assertThat(Nfc.normalize("q\u0307\u0323")).isEqualTo("q\u0323\u0307");
    assertThat(Nfc.normalize("\u0958")).isEqualTo("\u0915\u093c"); // excluded from composition
  }

  @Test
  void codePointsAloneAndBetweenMarks() {
    int step = TestTokenizers.LONG ? 1 : 5;
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint += step) {
      if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
        String character = Character.toString(codePoint);
        assertSame(character, "code point " + codePoint);
        assertSame("A" + character + "\u0327\u0301" + character, "code point " + codePoint);
      }
    }
  }

  /** Strings of code points that decompose, compose or combine, in any order. */
  @Test
  void randomStringsOfWhatTheTableKnows() {
    String table =
        new String(
            TestTokenizers.resource("/dev/tandem/tokenizer/text/unicode-nfc.txt"),
            StandardCharsets.US_ASCII);
    int[] known =
        table
            .lines()
            .filter(line -> !line.startsWith("#"))
            .flatMap(line -> Arrays.stream(line.substring(2).split("[ +=]")))
            .mapToInt(hex -> Integer.parseInt(hex, 16))
            .toArray();
    long seed = 20_240_121;
    Random random = new Random(seed);
    int count = TestTokenizers.LONG ? 2_000_000 : 50_000;
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int n = 1 + random.nextInt(12); n > 0; n--) {
        switch (random.nextInt(8)) {
          case 0 -> text.append((char) (0xAC00 + random.nextInt(11_172)));
          case 1 -> text.append((char) (0x1100 + random.nextInt(256)));
          case 2 -> text.append((char) ('A' + random.nextInt(60)));
          default -> text.appendCodePoint(known[random.nextInt(known.length)]);
        }
      }
      assertSame(text.toString(), "seed " + seed + ", text " + i);
    }
  }

  @Test
  void aMegabyteOfMarksOutOfOrderTakesNoQuadraticTime() {
    String text = "a" + "\u0301\u0316\u0334".repeat(170_000);
    String normal =
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20), () -> Nfc.normalize(text));
    String
        expected = // the first U+0301 composes with the letter: no mark of its class is before it
        "\u00e1" + "\u0334".repeat(170_000) + "\u0316".repeat(170_000) + "\u0301".repeat(169_999);
    assertThat(normal.equals(expected)).isTrue();
  }

  private static void assertSame(String text, String description) {
    String expected = expected(text);
    if (!Nfc.normalize(text).equals(expected)) {
      assertThat(Nfc.normalize(text)).as(description + ": " + text).isEqualTo(expected);
    }
  }

  private static String expected(String text) {
    OptionalInt unassigned = text.codePoints().filter(c -> !Unicode13.isAssigned(c)).findFirst();
    if (unassigned.isEmpty()) {
      return Normalizer.normalize(text, Form.NFC);
    }
    String inert = Character.toString(0x10FFFF);
    String character = Character.toString(unassigned.getAsInt());
    return Normalizer.normalize(text.replace(character, inert), Form.NFC).replace(inert, character);
  }
}
