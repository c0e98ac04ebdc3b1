package dev.tandem.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.bpe.NaiveBpe;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.files.TestTokenizers;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The hand-written splitters against the regular expressions that they stand for. */
class Llama3SplitterTest {
  @Test
  void splitsKnownTexts() {
    assertThat(words(SplitPattern.LLAMA3, "Hello  world!\n\n I'LL pay $1234.5\t\u4e2d\n \n x"))
        .containsExactly(
            "Hello",
            " ",
            " world",
            "!\n\n",
            " I",
            "'LL",
            " pay",
            " $",
            "123",
            "4",
            ".",
            "5",
            "\t\u4e2d",
            "\n \n",
            " x");
    assertThat(words(SplitPattern.QWEN2, "a123 4")).containsExactly("a", "1", "2", "3", " ", "4");
    assertThat(words(SplitPattern.LLAMA3, "it'\u017f 'sx ' s \u017f"))
        .containsExactly("it", "'\u017f", " '", "sx", " '", " s", " \u017f");
    assertThat(words(SplitPattern.LLAMA3, "  \r\n  ")).containsExactly("  \r\n", "  ");
    assertThat(words(SplitPattern.DIGITS, "ab12 3")).containsExactly("ab", "1", "2", " ", "3");
    assertThat(words(SplitPattern.DIGIT_RUNS, "ab12 3")).containsExactly("ab", "12", " ", "3");
    assertThat(words(SplitPattern.LLAMA3, "")).isEmpty();
  }

  @Test
  void everyLiteralPatternIsRecognised() {
    assertThat(SplitPattern.ofRegex(NaiveBpe.GPT2)).hasValue(SplitPattern.GPT2);
    assertThat(SplitPattern.ofRegex(NaiveBpe.LLAMA3)).hasValue(SplitPattern.LLAMA3);
    assertThat(SplitPattern.ofRegex(NaiveBpe.QWEN2)).hasValue(SplitPattern.QWEN2);
    assertThat(SplitPattern.ofRegex("\\s+")).isEmpty();
  }

  @Test
  void randomTextsAreSplitAsByTheRegex() {
    long seed = 20_240_123;
    RandomText texts = new RandomText(new Random(seed));
    int count = TestTokenizers.LONG ? 1_000_000 : 50_000;
    for (int i = 0; i < count; i++) {
      String text = texts.next();
      String description = "seed " + seed + ", text " + i + ": " + text;
      assertThat(words(SplitPattern.LLAMA3, text))
          .as(description)
          .isEqualTo(NaiveBpe.matches(NaiveBpe.LLAMA3, text));
      assertThat(words(SplitPattern.QWEN2, text))
          .as(description)
          .isEqualTo(NaiveBpe.matches(NaiveBpe.QWEN2, text));
      assertThat(words(SplitPattern.DIGITS, text))
          .as(description)
          .isEqualTo(NaiveBpe.isolated("\\p{N}", text));
      assertThat(words(SplitPattern.DIGIT_RUNS, text))
          .as(description)
          .isEqualTo(NaiveBpe.isolated("\\p{N}+", text));
    }
  }

  private static List<String> words(SplitPattern pattern, String text) {
    List<String> words = new ArrayList<>();
    if (!text.isEmpty()) {
      pattern.cut(
          text,
          0,
          text.length(),
          true,
          (t, start, end, first) -> words.add(t.substring(start, end)));
    }
    return words;
  }
}
