package dev.tandem.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.files.TestTokenizers;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class UnicodeClassesTest {
  private static final Pattern LETTER = Pattern.compile("\\p{L}");
  private static final Pattern NUMBER = Pattern.compile("\\p{N}");
  private static final Pattern SPACE = Pattern.compile("\\s", Pattern.UNICODE_CHARACTER_CLASS);

  @Test
  void theTableIsWhatTheGeneratorMakes() {
    byte[] table = TestTokenizers.resource("/dev/tandem/tokenizer/text/unicode-classes.txt");
    assertThat(new String(table, StandardCharsets.US_ASCII))
        .isEqualTo(UnicodeTableGenerator.table(Unicode13::type));
  }

  @Test
  void everyCodePointHasTheClassThatTheRegexGivesIt() {
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
      String text = Unicode13.forThisJdk(Character.toString(codePoint));
      int expected =
          LETTER.matcher(text).matches()
              ? UnicodeClasses.LETTER
              : NUMBER.matcher(text).matches()
                  ? UnicodeClasses.NUMBER
                  : SPACE.matcher(text).matches() ? UnicodeClasses.SPACE : UnicodeClasses.OTHER;
      if (UnicodeClasses.of(codePoint) != expected) {
        assertThat(UnicodeClasses.of(codePoint))
            .as("class of U+%04X", codePoint)
            .isEqualTo(expected);
      }
    }
  }
}
