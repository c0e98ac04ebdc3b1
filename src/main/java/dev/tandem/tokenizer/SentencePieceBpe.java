package dev.tandem.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * SentencePiece-style BPE as {@code run.c} of llama2.c does it: a space before the text, each
 * character looked up as a whole or else given as its UTF-8 bytes, then the adjacent pair whose
 * merged token has the best score merges, the leftmost of equals. Unlike there, written-out control
 * and byte tokens are never matched in ordinary text, as in SentencePiece itself.
 */
final class SentencePieceBpe implements Tokenizer {
  /** {@code <unk>}, {@code <s>}, {@code </s>}. */
  static final int SPECIAL_COUNT = 3;

  static final int BOS_ID = 1;
  static final int EOS_ID = 2;

  /** The id of byte 0; the other bytes follow. */
  static final int FIRST_BYTE_ID = 3;

  /** The first id that is neither a control token nor a byte. */
  static final int FIRST_PIECE_ID = FIRST_BYTE_ID + 256;

  private static final float NEVER = -1e10f; // run.c merges only above this score

  private final Vocabulary vocabulary;
  private final ByteStringIndex index;
  private final MergeTable merges;
  private final SpecialTokens specialTokens;

  /**
   * Builds the tokenizer.
   *
   * @param tokens the bytes of each id: written forms of the control tokens, single bytes, pieces
   * @param scores of each id; no NaN
   */
  SentencePieceBpe(byte[][] tokens, float[] scores) {
    Map<Integer, String> forms = new TreeMap<>();
    for (int id = 0; id < SPECIAL_COUNT; id++) {
      forms.put(id, new String(tokens[id], StandardCharsets.UTF_8));
    }
    vocabulary = new Vocabulary(tokens, forms.keySet(), Set.of(BOS_ID, EOS_ID));
    specialTokens = new SpecialTokens(forms);
    index = new ByteStringIndex(tokens, FIRST_PIECE_ID);
    merges = mergeTable(tokens, scores, index);
  }

  /** Every way to put a piece together from two others; the priority is the rank of its score. */
  private static MergeTable mergeTable(byte[][] tokens, float[] scores, ByteStringIndex index) {
    int[] ranks = ranks(scores);
    MergeTable merges = new MergeTable(2 * tokens.length);
    for (int id = FIRST_PIECE_ID; id < tokens.length; id++) {
      byte[] token = tokens[id];
      long[] hashes = ByteStringIndex.prefixHashes(token);
      boolean canMerge = scores[id] > NEVER && index.find(token, 0, token.length) == id;
      for (int cut = 1; cut < token.length && canMerge; cut++) {
        int left = index.find(token, 0, cut, hashes);
        int right = index.find(token, cut, token.length, hashes);
        if (left >= 0 && right >= 0) {
          merges.add(left, right, ranks[id], id);
        }
      }
    }
    return merges;
  }

  /** For each id how many different scores are better than its own: equal for equal scores. */
  private static int[] ranks(float[] scores) {
    float[] keys = new float[scores.length]; // ascend as scores descend
    for (int id = 0; id < keys.length; id++) {
      keys[id] = 0.0f - scores[id]; // 0 for both 0 and -0, which are equal but sort apart
    }
    float[] sorted = keys.clone();
    Arrays.sort(sorted);
    int distinct = 0;
    for (int i = 0; i < sorted.length; i++) {
      if (i == 0 || sorted[i] != sorted[i - 1]) {
        sorted[distinct++] = sorted[i];
      }
    }
    int[] ranks = new int[scores.length];
    for (int id = 0; id < ranks.length; id++) {
      ranks[id] = Arrays.binarySearch(sorted, 0, distinct, keys[id]);
    }
    return ranks;
  }

  @Override
  public int vocabSize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text, boolean parseSpecial) {
    IntBuilder ids = new IntBuilder();
    encode(text, parseSpecial, ids);
    return ids.toArray();
  }

  @Override
  public int[] encodePrompt(String text, boolean parseSpecial) {
    IntBuilder ids = new IntBuilder();
    ids.add(BOS_ID);
    encode(text, parseSpecial, ids);
    return ids.toArray();
  }

  private void encode(String text, boolean parseSpecial, IntBuilder ids) {
    String wellFormed = Utf8.wellFormed(text);
    if (!parseSpecial) {
      encodeText(wellFormed, true, ids);
      return;
    }
    specialTokens.scan(
        wellFormed,
        new SpecialTokens.Sink() {
          private boolean atTextStart = true;

          @Override
          public void text(int start, int end) {
            encodeText(wellFormed.substring(start, end), atTextStart, ids);
            atTextStart = false;
          }

          @Override
          public void special(int id) {
            ids.add(id);
            atTextStart = id == BOS_ID;
          }
        });
  }

  /**
   * Encodes ordinary text.
   *
   * @param atTextStart whether a space is put before it, as decoding drops one there
   */
  private void encodeText(String text, boolean atTextStart, IntBuilder ids) {
    if (text.isEmpty()) {
      return;
    }
    byte[] utf8 = (atTextStart ? " " + text : text).getBytes(StandardCharsets.UTF_8);
    int[] symbols = new int[utf8.length];
    int n = 0;
    int at = 0;
    while (at < utf8.length) {
      int end = at + 1;
      while (end < utf8.length && (utf8[end] & 0xC0) == 0x80) { // continuation bytes
        end++;
      }
      int id = index.find(utf8, at, end);
      if (id >= 0) {
        symbols[n++] = id;
      } else {
        for (int i = at; i < end; i++) {
          symbols[n++] = FIRST_BYTE_ID + (utf8[i] & 0xFF);
        }
      }
      at = end;
    }
    ids.add(symbols, PairMerger.merge(symbols, n, merges));
  }

  @Override
  public byte[] bytes(int id) {
    return vocabulary.token(id).clone();
  }

  @Override
  public StreamingDecoder decoder() {
    return new TokenDecoder(vocabulary, bosId());
  }

  @Override
  public OptionalInt bosId() {
    return OptionalInt.of(BOS_ID);
  }

  @Override
  public Set<Integer> stopIds() {
    return vocabulary.stopIds();
  }

  @Override
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(id);
  }
}
