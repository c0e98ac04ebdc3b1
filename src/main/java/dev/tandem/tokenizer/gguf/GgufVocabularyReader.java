package dev.tandem.tokenizer.gguf;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.MergeTable;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.RankedMerges;
import dev.tandem.tokenizer.bpe.ScoreMerges;
import dev.tandem.tokenizer.bpe.StopIds;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import dev.tandem.tokenizer.sentencepiece.SentencePieceRules;
import dev.tandem.tokenizer.text.Normalizer;
import dev.tandem.tokenizer.text.PreTokenizer;
import dev.tandem.tokenizer.text.Spaces;
import dev.tandem.tokenizer.text.SplitPattern;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Makes tokenizers from the metadata of GGUF files; the inverse of {@link GgufVocabularyWriter}.
 */
public final class GgufVocabularyReader {
  static final String GPT2 = "gpt2";
  static final String LLAMA = "llama";

  private static final String KEYS = "tokenizer.ggml.";

  /** Split patterns by the names of llama.cpp's converter. */
  static final Map<String, List<PreTokenizer>> SPLITS =
      Map.of(
          "gpt-2", List.of(SplitPattern.GPT2),
          "llama-bpe", List.of(SplitPattern.LLAMA3),
          "smollm", List.of(SplitPattern.DIGITS, SplitPattern.GPT2),
          "qwen2", List.of(SplitPattern.QWEN2));

  static final String DEFAULT_PRE = "default";

  /** With this split, prompts begin with the beginning-of-text token even without a key. */
  static final String LLAMA3_PRE = "llama-bpe";

  /** Types of tokens with a usual name that end a text; old converters made some user-defined. */
  private static final Set<TokenType> END_TYPES = Set.of(TokenType.CONTROL, TokenType.USER_DEFINED);

  private GgufVocabularyReader() {}

  /**
   * The tokenizer that the metadata describe.
   *
   * @param stopIds ids that end a text, besides those of the metadata
   * @throws TokenizerFormatException if the metadata do not fit together or ask for what is not
   *     supported; it names the key
   */
  public static Tokenizer read(GgufVocabulary values, int... stopIds)
      throws TokenizerFormatException {
    TokenizerSpec spec = spec(values, values.own());
    Set<Integer> stops = StopIds.of(stopIds);
    stops.addAll(spec.stopIds);
    spec.stopIds = stops;
    return new BpeTokenizer(spec);
  }

  /** A specification with merges. */
  static TokenizerSpec spec(GgufVocabulary values, Map<String, String> own)
      throws TokenizerFormatException {
    TokenizerSpec spec = withoutMerges(values);
    OwnSettings.apply(own, spec);
    spec.merges =
        spec.scores == null ? rankedMerges(values, spec) : ScoreMerges.table(KEYS + "tokens", spec);
    return spec;
  }

  private static TokenizerSpec withoutMerges(GgufVocabulary values)
      throws TokenizerFormatException {
    boolean byteLevel = values.model().equals(GPT2);
    if (!byteLevel && !values.model().equals(LLAMA)) {
      throw new TokenizerFormatException(
          KEYS + "model", GPT2 + " or " + LLAMA, Quote.of(values.model()));
    }
    String[] names = values.tokens().toArray(new String[0]);
    require("tokens", names.length > 0, "at least one", 0);
    TokenizerSpec spec = new TokenizerSpec(names, types(values, byteLevel), byteLevel);
    boolean assumed = byteLevel && (values.pre().isEmpty() || values.pre().equals(DEFAULT_PRE));
    String pre = assumed ? AssumedSplit.of(values) : values.pre();
    if (byteLevel) {
      List<PreTokenizer> split = SPLITS.get(pre);
      if (split == null) {
        throw new TokenizerFormatException(
            KEYS + "pre",
            "one of " + String.join(", ", new TreeSet<>(SPLITS.keySet())) + ", " + DEFAULT_PRE,
            Quote.of(values.pre()));
      }
      spec.preTokenizers = split;
      spec.ignoreMerges = pre.equals(LLAMA3_PRE);
      if (assumed) {
        spec.notes = List.of(AssumedSplit.note(KEYS + "pre", values.pre(), pre));
      }
    } else {
      completeLlama(values, spec);
    }
    int last = names.length - 1;
    spec.bosId = id("bos_token_id", values.bosId(), byteLevel ? -1 : Math.min(1, last), last);
    OptionalInt eosId =
        id("eos_token_id", values.eosId(), byteLevel ? -1 : Math.min(2, last), last);
    Set<Integer> stops = StopIds.byName(spec, END_TYPES);
    eosId.ifPresent(stops::add);
    id("eot_token_id", values.eotId(), -1, last).ifPresent(stops::add);
    spec.stopIds = stops;
    boolean addBos = values.addBos().orElse(!byteLevel || pre.equals(LLAMA3_PRE));
    spec.promptPrefix = addBos ? spec.bosId.stream().toArray() : new int[0];
    spec.promptSuffix = values.addEos().orElse(false) ? eosId.stream().toArray() : new int[0];
    return spec;
  }

  /** Requires scores or merges, which define the merges. */
  private static void completeLlama(GgufVocabulary values, TokenizerSpec spec)
      throws TokenizerFormatException {
    int count = values.scores().size();
    require("scores", count == spec.size(), spec.size() + ", as there are tokens", count);
    for (float score : values.scores()) {
      require("scores", !Float.isNaN(score), "numbers", score);
    }
    if (values.merges().isEmpty()) {
      spec.scores = new float[count];
      for (int id = 0; id < count; id++) {
        spec.scores[id] = values.scores().get(id);
      }
    }
    boolean prefix = values.addSpacePrefix().orElse(true);
    spec.normalizer =
        new Normalizer(
            false,
            prefix ? Normalizer.Prefix.EVERY : Normalizer.Prefix.NEVER,
            Spaces.AS_U2581,
            false);
    spec.dropsSpace = prefix;
    spec.byteFallback = Arrays.asList(spec.types).contains(TokenType.BYTE);
    SentencePieceRules.apply(KEYS + "tokens", spec);
  }

  private static TokenType[] types(GgufVocabulary values, boolean byteLevel)
      throws TokenizerFormatException {
    int size = values.tokens().size();
    int count = values.tokenTypes().size();
    require("token_type", count == 0 || count == size, size + ", as there are tokens", count);
    TokenType[] types = new TokenType[size];
    for (int id = 0; id < size; id++) {
      boolean isByte = !byteLevel && TokenizerSpec.byteOf(values.tokens().get(id)) >= 0;
      if (count == 0) {
        types[id] = isByte ? TokenType.BYTE : TokenType.NORMAL;
      } else {
        int number = values.tokenTypes().get(id);
        Optional<TokenType> type = TokenType.of(number);
        if (type.isEmpty() || (type.get() == TokenType.BYTE && !isByte)) {
          String expected = type.isEmpty() ? "1..6" : "a token <0x00>..<0xFF>";
          throw new TokenizerFormatException(KEYS + "token_type " + id, expected, "" + number);
        }
        types[id] = type.get();
      }
    }
    if (count == 0) {
      for (OptionalInt id : List.of(values.bosId(), values.eosId(), values.unknownId())) {
        if (id.isPresent() && id.getAsInt() >= 0 && id.getAsInt() < size) {
          types[id.getAsInt()] = TokenType.CONTROL;
        }
      }
    }
    return types;
  }

  private static OptionalInt id(String key, OptionalInt id, int absent, int last)
      throws TokenizerFormatException {
    if (id.isEmpty()) {
      return absent < 0 ? id : OptionalInt.of(absent);
    }
    require(key, id.getAsInt() >= 0 && id.getAsInt() <= last, "0.." + last, id.getAsInt());
    return id;
  }

  private static MergeTable rankedMerges(GgufVocabulary values, TokenizerSpec spec)
      throws TokenizerFormatException {
    Map<String, Integer> ids = new HashMap<>(2 * spec.size());
    for (int id = 0; id < spec.size(); id++) {
      if (spec.types[id] != TokenType.UNUSED) {
        ids.putIfAbsent(spec.names[id], id);
      }
    }
    RankedMerges merges = new RankedMerges(KEYS + "merges", "merge", ids, values.merges().size());
    int number = 0;
    for (String merge : values.merges()) {
      int space = merge.indexOf(' ');
      if (space <= 0 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
        throw new TokenizerFormatException(
            KEYS + "merges " + number, "two tokens with a space between", Quote.of(merge));
      }
      merges.add(number++, merge.substring(0, space), merge.substring(space + 1));
    }
    return merges.table();
  }

  private static void require(String key, boolean holds, String expected, Object got)
      throws TokenizerFormatException {
    if (!holds) {
      throw new TokenizerFormatException(KEYS + key, expected, got.toString());
    }
  }
}
