package dev.tandem.tokenizer.huggingface;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.ByteAlphabet;
import dev.tandem.tokenizer.bpe.MergeTable;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.RankedMerges;
import dev.tandem.tokenizer.bpe.StopIds;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import dev.tandem.tokenizer.bpe.Utf8;
import dev.tandem.tokenizer.text.SplitPattern;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** Reads GPT-2's {@code vocab.json} and {@code merges.txt}. */
public final class ByteLevelFiles {
  /** What some editors write at the beginning of a text in UTF-8. */
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private static final String VOCAB = "vocab.json";
  private static final String MERGES = "merges.txt";

  /** A line of merges.txt. */
  private record Merge(int lineNumber, String left, String right) {}

  private ByteLevelFiles() {}

  /**
   * A tokenizer whose ids are those of {@code vocab.json}.
   *
   * @param stopIds the tokens that end a text; if empty, {@link StopIds#END_OF_TEXT}, if it exists
   */
  public static Tokenizer read(byte[] vocabJson, byte[] mergesTxt, int... stopIds)
      throws TokenizerFormatException {
    return build(readVocab(vocabJson), readMerges(mergesTxt), stopIds);
  }

  /** A tokenizer with GPT-2's ids: the bytes, then one id for each merge, then the end of text. */
  public static Tokenizer readMergesOnly(byte[] mergesTxt) throws TokenizerFormatException {
    List<Merge> merges = readMerges(mergesTxt);
    Map<String, Integer> ids = new HashMap<>(2 * (256 + merges.size()));
    for (int id = 0; id < 256; id++) {
      ids.put(String.valueOf(ByteAlphabet.symbol(ByteAlphabet.byteOfGpt2Id(id))), id);
    }
    for (Merge merge : merges) {
      requireNew(ids, merge, merge.left + merge.right);
    }
    if (ids.putIfAbsent(StopIds.END_OF_TEXT, ids.size()) != null) {
      throw new TokenizerFormatException(MERGES, "no merge into " + StopIds.END_OF_TEXT, "one");
    }
    return build(ids, merges);
  }

  private static void requireNew(Map<String, Integer> ids, Merge merge, String merged)
      throws TokenizerFormatException {
    if (ids.putIfAbsent(merged, ids.size()) != null) {
      throw new TokenizerFormatException(
          MERGES + " line " + merge.lineNumber,
          "a new token",
          Quote.of(merged) + ", which an earlier line already makes");
    }
  }

  private static Tokenizer build(Map<String, Integer> ids, List<Merge> merges, int... stopIds)
      throws TokenizerFormatException {
    String[] names = namesById(ids);
    OptionalInt endOfText =
        ids.containsKey(StopIds.END_OF_TEXT)
            ? OptionalInt.of(ids.get(StopIds.END_OF_TEXT))
            : OptionalInt.empty();
    Set<Integer> stops = StopIds.of(stopIds);
    if (stops.isEmpty()) {
      endOfText.ifPresent(stops::add);
    }
    TokenType[] types = new TokenType[names.length];
    Arrays.fill(types, TokenType.NORMAL);
    stops.stream().filter(id -> id < types.length).forEach(id -> types[id] = TokenType.CONTROL);
    endOfText.ifPresent(id -> types[id] = TokenType.CONTROL);
    requireBytes(ids);
    TokenizerSpec spec = new TokenizerSpec(names, types, true);
    spec.preTokenizers = List.of(SplitPattern.GPT2);
    spec.merges = mergeTable(ids, merges);
    spec.bosId = endOfText;
    spec.stopIds = stops;
    return new BpeTokenizer(spec);
  }

  private static String[] namesById(Map<String, Integer> ids) throws TokenizerFormatException {
    String[] names = new String[ids.size()];
    for (Map.Entry<String, Integer> entry : ids.entrySet()) {
      int id = entry.getValue();
      if (id < 0 || id >= names.length || names[id] != null) {
        throw new TokenizerFormatException(
            VOCAB + " token " + Quote.of(entry.getKey()),
            "an unused id in 0.." + (names.length - 1),
            Integer.toString(id));
      }
      names[id] = entry.getKey();
    }
    return names;
  }

  private static void requireBytes(Map<String, Integer> ids) throws TokenizerFormatException {
    for (int value = 0; value < 256; value++) {
      String symbol = String.valueOf(ByteAlphabet.symbol(value));
      if (!ids.containsKey(symbol)) {
        throw new TokenizerFormatException(
            VOCAB, "a token for each byte", "none for byte " + value + " (" + symbol + ")");
      }
    }
  }

  private static MergeTable mergeTable(Map<String, Integer> ids, List<Merge> merges)
      throws TokenizerFormatException {
    RankedMerges ranked = new RankedMerges(MERGES, "line", ids, merges.size());
    for (Merge merge : merges) {
      ranked.add(merge.lineNumber, merge.left, merge.right);
    }
    return ranked.table();
  }

  private static Map<String, Integer> readVocab(byte[] vocabJson) throws TokenizerFormatException {
    Map<String, Integer> ids = new HashMap<>();
    try (JsonParser json = JsonFields.FACTORY.createParser(vocabJson)) {
      expect(json, JsonToken.START_OBJECT, "an object of ids by token");
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String token = json.currentName();
        expect(json, JsonToken.VALUE_NUMBER_INT, "a number for token " + Quote.of(token));
        if (ids.put(token, json.getIntValue()) != null) {
          throw new TokenizerFormatException(VOCAB, "each token once", Quote.of(token) + " twice");
        }
      }
      if (json.nextToken() != null) {
        throw new TokenizerFormatException(VOCAB, "its end after the object", "more");
      }
    } catch (IOException e) {
      throw JsonFields.malformed(VOCAB, e);
    }
    return ids;
  }

  private static void expect(JsonParser json, JsonToken wanted, String expected)
      throws IOException {
    JsonToken token = json.nextToken();
    if (token != wanted) {
      throw new TokenizerFormatException(VOCAB, expected, String.valueOf(token));
    }
  }

  private static List<Merge> readMerges(byte[] mergesTxt) throws TokenizerFormatException {
    String text = Utf8.decode(MERGES, mergesTxt);
    List<String> lines = text.substring(text.startsWith(BYTE_ORDER_MARK) ? 1 : 0).lines().toList();
    if (lines.isEmpty()) {
      throw new TokenizerFormatException(MERGES, "a header or a merge", "an empty file");
    }
    List<Merge> merges = new ArrayList<>(lines.size());
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.isBlank() || (i == 0 && line.startsWith("#version"))) {
        continue;
      }
      int space = line.indexOf(' ');
      if (space <= 0 || space == line.length() - 1 || line.indexOf(' ', space + 1) >= 0) {
        throw new TokenizerFormatException(
            MERGES + " line " + (i + 1), "two tokens with a space between", Quote.of(line));
      }
      merges.add(new Merge(i + 1, line.substring(0, space), line.substring(space + 1)));
    }
    return merges;
  }
}
