package dev.tandem.tokenizer.text;

import java.util.Optional;

/** The known ways to split a text into words, each implemented by hand. */
public enum SplitPattern implements PreTokenizer {
  /** {@link Gpt2Splitter}. */
  GPT2 {
    @Override
    int wordEnd(String text, int start, int end) {
      return Gpt2Splitter.wordEnd(text, start, end);
    }
  },
  /** {@link Llama3Splitter}, numbers in groups of three digits: Llama 3. */
  LLAMA3 {
    @Override
    int wordEnd(String text, int start, int end) {
      return Llama3Splitter.wordEnd(text, start, end, 3);
    }
  },
  /** {@link Llama3Splitter}, each digit is a word: Qwen. */
  QWEN2 {
    @Override
    int wordEnd(String text, int start, int end) {
      return Llama3Splitter.wordEnd(text, start, end, 1);
    }
  },
  /** Each character of {@code \p{N}} is a word. */
  DIGITS {
    @Override
    int wordEnd(String text, int start, int end) {
      boolean number = CodePoints.classAt(text, start, end) == UnicodeClasses.NUMBER;
      return number
          ? start + Character.charCount(CodePoints.at(text, start, end))
          : DIGIT_RUNS.wordEnd(text, start, end);
    }
  },
  /** Runs of {@code \p{N}}. */
  DIGIT_RUNS {
    @Override
    int wordEnd(String text, int start, int end) {
      boolean number = CodePoints.classAt(text, start, end) == UnicodeClasses.NUMBER;
      int at = start;
      while (at < end && (CodePoints.classAt(text, at, end) == UnicodeClasses.NUMBER) == number) {
        at += Character.charCount(CodePoints.at(text, at, end));
      }
      return at;
    }
  };

  private static final String GPT2_TAIL =
      "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
  private static final String LLAMA3_HEAD =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
  private static final String LLAMA3_TAIL =
      "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /** The pattern that splits as a regular expression of a tokenizer file does, if it is known. */
  public static Optional<SplitPattern> ofRegex(String regex) {
    return switch (regex) {
      case "'s|'t|'re|'ve|'m|'ll|'d" + GPT2_TAIL, "'(?:[sdmt]|ll|ve|re)" + GPT2_TAIL ->
          Optional.of(GPT2);
      case LLAMA3_HEAD + "\\p{N}{1,3}" + LLAMA3_TAIL -> Optional.of(LLAMA3);
      case LLAMA3_HEAD + "\\p{N}" + LLAMA3_TAIL -> Optional.of(QWEN2);
      default -> Optional.empty();
    };
  }

  /**
   * The end of the word that begins at {@code start}.
   *
   * @param end the end of the text; {@code start < end}
   */
  abstract int wordEnd(String text, int start, int end);

  @Override
  public void cut(String text, int start, int end, boolean first, Sink out) {
    int at = start;
    while (at < end) {
      int wordEnd = wordEnd(text, at, end);
      out.piece(text, at, wordEnd, first && at == start);
      at = wordEnd;
    }
  }
}
