package dev.tandem.tokenizer.bpe;

import dev.tandem.tokenizer.text.Unicode13;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Byte pair encoding as Hugging Face's library documents it, without any of our code but the list
 * of tokens: {@code java.util.regex} with the literal patterns, tokens as strings, and for each
 * merge a scan of all pairs.
 */
public final class NaiveBpe {
  /** What Hugging Face's ByteLevel splits by. */
  public static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  /** The literal text in Llama 3's {@code tokenizer.json}. */
  public static final String LLAMA3 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /** The literal text in Qwen2's. */
  public static final String QWEN2 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final List<Integer> SYMBOLS = bytesToUnicode();
  private static final Map<String, Pattern> PATTERNS = new ConcurrentHashMap<>();

  private final Map<String, Integer> ids;
  private final Map<String, Integer> ranks = new HashMap<>();
  private final boolean ignoreMerges;

  /** {@code merges}: "left right", the first one first. */
  public NaiveBpe(Map<String, Integer> ids, List<String> merges, boolean ignoreMerges) {
    this.ids = ids;
    this.ignoreMerges = ignoreMerges;
    merges.forEach(merge -> ranks.put(merge, ranks.size()));
  }

  /** All matches of a pattern that leaves out nothing, in Unicode mode, with Unicode 13. */
  public static List<String> matches(String regex, String text) {
    List<String> words = new ArrayList<>();
    Matcher matcher = pattern(regex).matcher(Unicode13.forThisJdk(text));
    int end = 0;
    while (matcher.find()) {
      if (matcher.start() != end) {
        throw new IllegalStateException(regex + " leaves out a part of " + text);
      }
      end = matcher.end();
      words.add(text.substring(matcher.start(), end));
    }
    return words;
  }

  private static Pattern pattern(String regex) {
    return PATTERNS.computeIfAbsent(
        regex, r -> Pattern.compile(r, Pattern.UNICODE_CHARACTER_CLASS));
  }

  /** Each match, and what is between them. */
  public static List<String> isolated(String regex, String text) {
    List<String> pieces = new ArrayList<>();
    Matcher matcher = pattern(regex).matcher(Unicode13.forThisJdk(text));
    int end = 0;
    while (matcher.find()) {
      if (matcher.start() > end) {
        pieces.add(text.substring(end, matcher.start()));
      }
      end = matcher.end();
      pieces.add(text.substring(matcher.start(), end));
    }
    if (end < text.length()) {
      pieces.add(text.substring(end));
    }
    return pieces;
  }

  /** A word in the alphabet of {@link #bytesToUnicode}. */
  public static String byteSymbols(String word) {
    StringBuilder out = new StringBuilder();
    for (byte value : word.getBytes(StandardCharsets.UTF_8)) {
      out.appendCodePoint(SYMBOLS.get(value & 0xFF));
    }
    return out.toString();
  }

  /** OpenAI's {@code bytes_to_unicode}, as its source computes it. */
  private static List<Integer> bytesToUnicode() {
    List<Integer> symbols = new ArrayList<>();
    int next = 256;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= '\u00a1' && value <= '\u00ac')
              || (value >= '\u00ae' && value <= '\u00ff');
      symbols.add(printable ? value : next++);
    }
    return symbols;
  }

  /** The ids of words; {@code fallback} gives the tokens for a character that is none. */
  public List<Integer> encode(List<String> words, Function<String, List<String>> fallback) {
    List<Integer> out = new ArrayList<>();
    for (String word : words) {
      if (ignoreMerges && ids.containsKey(word)) {
        out.add(ids.get(word));
        continue;
      }
      List<String> tokens = new ArrayList<>();
      word.codePoints()
          .mapToObj(Character::toString)
          .forEach(c -> tokens.addAll(ids.containsKey(c) ? List.of(c) : fallback.apply(c)));
      while (mergeBest(tokens)) {}
      tokens.forEach(token -> out.add(ids.get(token)));
    }
    return out;
  }

  private boolean mergeBest(List<String> tokens) {
    int best = -1;
    int bestRank = Integer.MAX_VALUE;
    for (int i = 0; i + 1 < tokens.size(); i++) {
      int rank = ranks.getOrDefault(tokens.get(i) + " " + tokens.get(i + 1), Integer.MAX_VALUE);
      if (rank < bestRank) {
        best = i;
        bestRank = rank;
      }
    }
    if (best < 0) {
      return false;
    }
    tokens.set(best, tokens.get(best) + tokens.remove(best + 1));
    return true;
  }
}
