package dev.tandem.tokenizer.flat;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.ByteAlphabet;
import dev.tandem.tokenizer.bpe.MergeTable;
import dev.tandem.tokenizer.bpe.PairMerger;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.StopIds;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import dev.tandem.tokenizer.text.SplitPattern;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * A byte-level tokenizer from only the bytes of its tokens. The rank of a merge is the id of the
 * token that it makes (as in tiktoken). A token is the merge of the two tokens that the merges of
 * lower rank make of its bytes. The split pattern is GPT-2's.
 */
final class ByteVocabulary {
  private ByteVocabulary() {}

  /**
   * Builds the tokenizer.
   *
   * @param file for messages
   * @param tokens the bytes of each id
   * @param endOfText the id that ends a text; if empty, the id of {@code <|endoftext|>}, if it
   *     exists
   * @param stopIds the ids that end a text; if empty, {@code endOfText}
   */
  static Tokenizer build(String file, byte[][] tokens, OptionalInt endOfText, int... stopIds)
      throws TokenizerFormatException {
    String[] names = new String[tokens.length];
    TokenType[] types = new TokenType[tokens.length];
    Arrays.fill(types, TokenType.NORMAL);
    for (int id = 0; id < tokens.length; id++) {
      names[id] = ByteAlphabet.spell(tokens[id]);
    }
    OptionalInt end = endOfText.isPresent() ? endOfText : endOfText(names);
    Set<Integer> stops = stops(file, tokens.length, end, stopIds);
    TreeSet<Integer> specials = new TreeSet<>(stops);
    end.ifPresent(specials::add);
    for (int id : specials.headSet(tokens.length)) {
      types[id] = TokenType.CONTROL;
      names[id] = new String(tokens[id], StandardCharsets.UTF_8);
    }
    TokenizerSpec spec = new TokenizerSpec(names, types, true);
    spec.preTokenizers = List.of(SplitPattern.GPT2);
    spec.merges = merges(file, tokens, types);
    spec.bosId = end;
    spec.stopIds = stops;
    return new BpeTokenizer(spec);
  }

  private static OptionalInt endOfText(String[] names) {
    int id =
        Arrays.asList(names)
            .lastIndexOf(StopIds.END_OF_TEXT); // ASCII characters stand for themselves
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  private static Set<Integer> stops(String file, int vocabSize, OptionalInt end, int... stopIds)
      throws TokenizerFormatException {
    if (end.isPresent()) {
      StopIds.check(file + " end-of-text id", vocabSize, end.getAsInt());
    }
    Set<Integer> stops = StopIds.of(stopIds);
    if (stops.isEmpty()) {
      end.ifPresent(stops::add);
    }
    return stops;
  }

  private static MergeTable merges(String file, byte[][] tokens, TokenType[] types)
      throws TokenizerFormatException {
    int[] byteIds = byteIds(file, tokens, types);
    MergeTable merges = new MergeTable(tokens.length);
    for (int id = 0; id < tokens.length; id++) {
      byte[] token = tokens[id];
      if (types[id] != TokenType.NORMAL || token.length < 2) {
        continue;
      }
      int[] symbols = new int[token.length];
      for (int i = 0; i < symbols.length; i++) {
        symbols[i] = byteIds[token[i] & 0xFF];
      }
      int left = PairMerger.merge(symbols, symbols.length, merges);
      if (left == 1) {
        throw new TokenizerFormatException(
            file + " token " + id,
            "a new token",
            Quote.of(token) + ", the same as token " + symbols[0]);
      }
      if (left == 2) { // if not, no text ever gives this token
        merges.add(symbols[0], symbols[1], id, id);
      }
    }
    return merges;
  }

  private static int[] byteIds(String file, byte[][] tokens, TokenType[] types)
      throws TokenizerFormatException {
    int[] byteIds = new int[256];
    Arrays.fill(byteIds, -1);
    for (int id = tokens.length - 1; id >= 0; id--) {
      if (tokens[id].length == 1 && types[id] == TokenType.NORMAL) {
        byteIds[tokens[id][0] & 0xFF] = id;
      }
    }
    for (int value = 0; value < 256; value++) {
      if (byteIds[value] < 0) {
        throw new TokenizerFormatException(file, "a token for each byte", "none for byte " + value);
      }
    }
    return byteIds;
  }
}
