package dev.tandem.tokenizer.bpe;

import dev.tandem.tokenizer.text.Normalizer;
import dev.tandem.tokenizer.text.PreTokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The description of a BPE tokenizer, independent of the file format. A reader fills it with valid
 * values: ids of the vocabulary, and all 256 bytes if they are needed. A {@link BpeTokenizer} is
 * built from it.
 */
public final class TokenizerSpec {
  /** The written form of each id, as in the file. */
  public final String[] names;

  public final TokenType[] types;

  /** Whether normal tokens are written in the {@link ByteAlphabet}, or in characters. */
  public final boolean byteLevel;

  /** The pairs of tokens that merge. */
  public MergeTable merges = new MergeTable(0);

  /** Scores per id; null unless the merges are derived from them (SentencePiece). */
  public float @Nullable [] scores;

  /** Merges make no token with a lower score. */
  public float leastScore = Float.NEGATIVE_INFINITY;

  /** Whether a word that is itself a token becomes that token without merges. */
  public boolean ignoreMerges;

  /** Whether characters without a token become their bytes. */
  public boolean byteFallback;

  /** Whether characters without a token may first be part of merged tokens (SentencePiece). */
  public boolean fallbackAfterMerges;

  /** The token for characters without a token; empty if such characters are left out. */
  public OptionalInt unknownId = OptionalInt.empty();

  /** Whether one unknown token stands for several such characters in a row. */
  public boolean fuseUnknown;

  public Normalizer normalizer = Normalizer.NONE;

  public List<PreTokenizer> preTokenizers = List.of();

  /** Special and user-defined tokens that are searched for in the normalised text. */
  public Set<Integer> normalizedTokens = Set.of();

  /** Tokens that include the white space before them, and behind them. */
  public Set<Integer> takeLeft = Set.of();

  public Set<Integer> takeRight = Set.of();

  /** The tokens at the start and at the end of a prompt. */
  public int[] promptPrefix = {};

  public int[] promptSuffix = {};

  public OptionalInt bosId = OptionalInt.empty();

  /**
   * The tokens that end a text. Some may be beyond these tokens: ids of a model that has more, see
   * {@link BpeTokenizer#fitted}.
   */
  public Set<Integer> stopIds = Set.of();

  /** Whether decoding drops a space at the start of a text. */
  public boolean dropsSpace;

  /** What was assumed because no file says it; one line each. */
  public List<String> notes = List.of();

  /** {@code names} and {@code types} are not copied. */
  public TokenizerSpec(String[] names, TokenType[] types, boolean byteLevel) {
    this.names = names;
    this.types = types;
    this.byteLevel = byteLevel;
  }

  /** Tokens of the vocabulary. */
  public int size() {
    return names.length;
  }

  /** The same with other tokens; {@code newNames} and {@code newTypes} are not copied. */
  public TokenizerSpec withTokens(String[] newNames, TokenType[] newTypes) {
    TokenizerSpec copy = new TokenizerSpec(newNames, newTypes, byteLevel);
    copy.merges = merges;
    copy.scores = scores;
    copy.leastScore = leastScore;
    copy.ignoreMerges = ignoreMerges;
    copy.byteFallback = byteFallback;
    copy.fallbackAfterMerges = fallbackAfterMerges;
    copy.unknownId = unknownId;
    copy.fuseUnknown = fuseUnknown;
    copy.normalizer = normalizer;
    copy.preTokenizers = preTokenizers;
    copy.normalizedTokens = normalizedTokens;
    copy.takeLeft = takeLeft;
    copy.takeRight = takeRight;
    copy.promptPrefix = promptPrefix;
    copy.promptSuffix = promptSuffix;
    copy.bosId = bosId;
    copy.stopIds = stopIds;
    copy.dropsSpace = dropsSpace;
    copy.notes = notes;
    return copy;
  }

  /** How the unused token is written that fills a gap in the ids. */
  public static String gapName(int id) {
    return "[PAD" + id + "]";
  }

  /** The written form of the token of a byte (0..255). */
  public static String byteName(int value) {
    return String.format(Locale.ROOT, "<0x%02X>", value);
  }

  private static final Map<String, Integer> BYTES_BY_NAME = new HashMap<>();

  static {
    for (int value = 0; value < 256; value++) {
      BYTES_BY_NAME.put(byteName(value), value);
    }
  }

  /** The byte whose token has this written form, or -1. */
  public static int byteOf(String name) {
    return BYTES_BY_NAME.getOrDefault(name, -1);
  }

  /** The bytes that an id stands for. */
  byte[] bytes(int id) {
    String name = names[id];
    return switch (types[id]) {
      case BYTE -> new byte[] {(byte) byteOf(name)};
      case CONTROL, UNKNOWN -> utf8(name);
      case USER_DEFINED -> utf8(normalizer.spaces().unescape(name));
      case NORMAL, UNUSED ->
          types[id] == TokenType.UNUSED && name.equals(gapName(id))
              ? new byte[0]
              : byteLevel ? ByteAlphabet.decode(name) : utf8(normalizer.spaces().unescape(name));
    };
  }

  /**
   * The written form of a token of {@link #normalizedTokens} in the normalised text.
   * SentencePiece's own files already use this form.
   */
  String normalizedForm(int id) {
    return scores == null ? normalizer.apply(names[id], true) : names[id];
  }

  /**
   * The id of each byte: that of its byte token, or of a token that is this single byte; -1 if
   * there is none.
   */
  public int[] byteIds() {
    int[] byteIds = new int[256];
    Arrays.fill(byteIds, -1);
    for (int id = names.length - 1; id >= 0; id--) { // for equal tokens the least id counts
      if (types[id] == TokenType.BYTE) {
        byteIds[byteOf(names[id])] = id;
      } else if (byteLevel && types[id] == TokenType.NORMAL && names[id].length() == 1) {
        int value = ByteAlphabet.byteOf(names[id].charAt(0));
        if (value >= 0) {
          byteIds[value] = id;
        }
      }
    }
    return byteIds;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
