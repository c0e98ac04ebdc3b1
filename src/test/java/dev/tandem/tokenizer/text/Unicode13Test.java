package dev.tandem.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.files.TestTokenizers;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** The committed categories against the running JDK's. */
class Unicode13Test {
  private static final int JDK = Runtime.version().feature();

  /** An assigned code point stays assigned in all later versions. */
  @Test
  void whatIsAssignedIsAssignedHere() {
    int missing = 0;
    int newer = 0;
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
      missing += Unicode13.isAssigned(codePoint) && !Character.isDefined(codePoint) ? 1 : 0;
      newer += !Unicode13.isAssigned(codePoint) && Character.isDefined(codePoint) ? 1 : 0;
    }
    assertThat(missing).isZero();
    if (JDK == 17) {
      assertThat(newer).isZero();
    } else {
      assertThat(newer).isPositive();
    }
  }

  @Test
  void theFileIsWhatTheGeneratorMakes() {
    String file =
        new String(
            TestTokenizers.resource("/dev/tandem/tokenizer/text/unicode-13.txt"),
            StandardCharsets.US_ASCII);
    if (JDK == 17) {
      assertThat(file).isEqualTo(Unicode13Generator.table());
    } else {
      assertThat(file).isNotEqualTo(Unicode13Generator.table());
    }
  }

  @Test
  void aTextForThisJdkHasTheSameClassesOfTheSameLength() {
    String text =
        "a1 \u0870\ud83d\ude00\ud800" // U+0870: a letter since Unicode 14
            + Character.toString(0x1E4D0) // a letter since Unicode 15
            + Character.toString(0x10D40); // a digit since Unicode 16
    String replaced = Unicode13.forThisJdk(text);
    assertThat(replaced).hasSameSizeAs(text);
    assertThat(replaced.equals(text)).isEqualTo(JDK == 17);
    assertThat(replaced.codePoints().map(Unicode13::unicodeClass).toArray())
        .isEqualTo(text.codePoints().map(Unicode13::unicodeClass).toArray());
    assertThat(replaced.codePoints().allMatch(Unicode13::isSameHere)).isTrue();
  }
}
