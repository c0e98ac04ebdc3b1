package dev.tandem.tokenizer.gguf;

import dev.tandem.tokenizer.bpe.ByteAlphabet;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.text.UnicodeClasses;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * How a byte-level vocabulary splits texts, where its file does not say so. A merge is made only
 * within a word, so the tokens show what words there can be.
 */
final class AssumedSplit {
  private static final String GPT2 = "gpt-2";
  private static final String QWEN2 = "qwen2";

  /** Only Llama 3's vocabularies have these. */
  private static final Set<String> LLAMA3_NAMES = Set.of("<|begin_of_text|>", "<|end_of_text|>");

  /** The words of GPT-2's split that begin with neither a letter nor a space. */
  private static final Set<String> CONTRACTIONS =
      Set.of("'s", "'t", "'re", "'ve", "'m", "'ll", "'d");

  /** What bytes decode to that are not whole characters. */
  private static final char PART_OF_CHARACTER = '\uFFFD';

  private AssumedSplit() {}

  /**
   * The name of the split that a vocabulary shows, of those in {@link GgufVocabularyReader#SPLITS}.
   *
   * <ul>
   *   <li>Llama 3's and Qwen's words may be a sign and letters ({@code (x}), GPT-2's may not.
   *   <li>GPT-2's words may be a space and digits, theirs may not.
   *   <li>Llama 3's words may have several digits, Qwen's may not.
   * </ul>
   */
  static String of(GgufVocabulary values) {
    if (values.tokens().containsAll(LLAMA3_NAMES)) {
      return GgufVocabularyReader.LLAMA3_PRE;
    }
    Map<Word, Integer> counts = new HashMap<>();
    for (String merge : values.merges()) {
      String token = merge.replace(" ", "");
      if (!token.isEmpty() && ByteAlphabet.isSpelledIn(token)) {
        Word kind = kind(new String(ByteAlphabet.decode(token), StandardCharsets.UTF_8));
        counts.merge(kind, 1, Integer::sum);
      }
    }
    int signs = counts.getOrDefault(Word.SIGN_AND_LETTERS, 0);
    if (signs <= counts.getOrDefault(Word.SPACE_AND_DIGITS, 0)) {
      return GPT2;
    }
    return counts.containsKey(Word.DIGITS) ? GgufVocabularyReader.LLAMA3_PRE : QWEN2;
  }

  /** What the user should know. */
  static String note(String key, String stated, String assumed) {
    String family =
        switch (assumed) {
          case GgufVocabularyReader.LLAMA3_PRE -> "Llama 3's";
          case QWEN2 -> "Qwen's";
          default -> "GPT-2's";
        };
    return "assumed that texts are split as "
        + family
        + " (as the tokens show), because "
        + key
        + (stated.isEmpty() ? " is missing" : " says only " + Quote.of(stated));
  }

  /** What a merged token is, as far as it tells the splits apart. */
  private enum Word {
    SIGN_AND_LETTERS,
    SPACE_AND_DIGITS,
    DIGITS,
    OTHER
  }

  private static Word kind(String word) {
    if (word.indexOf(PART_OF_CHARACTER) >= 0) {
      return Word.OTHER;
    }
    int first = word.codePointAt(0);
    String rest = word.substring(Character.charCount(first));
    if (isAll(word, UnicodeClasses.NUMBER)) {
      return Word.DIGITS;
    }
    if (first == ' ' && isAll(rest, UnicodeClasses.NUMBER)) {
      return Word.SPACE_AND_DIGITS;
    }
    boolean sign =
        first != ' '
            && first != '\r'
            && first != '\n'
            && UnicodeClasses.of(first) != UnicodeClasses.LETTER
            && UnicodeClasses.of(first) != UnicodeClasses.NUMBER;
    return sign && isAll(rest, UnicodeClasses.LETTER) && !CONTRACTIONS.contains(word)
        ? Word.SIGN_AND_LETTERS
        : Word.OTHER;
  }

  private static boolean isAll(String text, int unicodeClass) {
    return !text.isEmpty()
        && text.codePoints().allMatch(point -> UnicodeClasses.of(point) == unicodeClass);
  }
}
