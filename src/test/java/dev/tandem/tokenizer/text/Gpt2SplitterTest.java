package dev.tandem.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.files.TestTokenizers;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class Gpt2SplitterTest {
  private static final Pattern PATTERN =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  @Test
  void splitsKnownTexts() {
    assertThat(words("Hello  world! I'll\n\n be 42 'sure"))
        .containsExactly(
            "Hello", " ", " world", "!", " I", "'ll", "\n\n", " be", " 42", " '", "sure");
    assertThat(words("''s 'sx 'l '")).containsExactly("''", "s", " '", "sx", " '", "l", " '");
    assertThat(words("  ")).containsExactly("  ");
    assertThat(words("")).isEmpty();
  }

  @Test
  void agreesWithTheRegexOnRandomTexts() {
    long seed = 20_240_101;
    RandomText texts = new RandomText(new Random(seed));
    int count = TestTokenizers.LONG ? 1_000_000 : 30_000;
    for (int i = 0; i < count; i++) {
      String text = texts.next();
      assertThat(words(text)).as("seed %d, text %d: %s", seed, i, text).isEqualTo(matches(text));
    }
  }

  @Test
  void unpairedSurrogatesAreNeitherLettersNorNumbersNorSpace() {
    String text = "a\ud800 \udc00b\ud83d";
    assertThat(words(text)).isEqualTo(matches(text));
  }

  /** The same words with every JDK, whatever its Unicode. */
  @Test
  void charactersOfLaterVersionsOfUnicodeAreNeitherLettersNorNumbers() {
    String letter = "\u0870"; // since Unicode 14
    String digit = Character.toString(0x10D40); // since Unicode 16
    assertThat(words("a" + letter + digit + "1")).containsExactly("a", letter + digit, "1");
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int end = Gpt2Splitter.wordEnd(text, at, text.length());
      words.add(text.substring(at, end));
      at = end;
    }
    return words;
  }

  private static List<String> matches(String text) {
    List<String> words = new ArrayList<>();
    Matcher matcher = PATTERN.matcher(Unicode13.forThisJdk(text));
    while (matcher.find()) {
      words.add(text.substring(matcher.start(), matcher.end()));
    }
    return words;
  }
}
