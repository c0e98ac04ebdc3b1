package dev.tandem.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.Set;

/** GPT-2's byte-level BPE: words by its split pattern, their bytes, merges by rank. */
final class ByteLevelBpe implements Tokenizer {
  private final Vocabulary vocabulary;
  private final int[] byteIds;
  private final MergeTable merges;
  private final SpecialTokens specialTokens;
  private final OptionalInt bosId;
  private final WordCache cache = new WordCache();

  /**
   * Builds the tokenizer.
   *
   * @param byteIds the id of each byte; not copied, and not to be changed
   * @param merges by rank
   */
  ByteLevelBpe(
      Vocabulary vocabulary,
      int[] byteIds,
      MergeTable merges,
      SpecialTokens specialTokens,
      OptionalInt bosId) {
    this.vocabulary = vocabulary;
    this.byteIds = byteIds;
    this.merges = merges;
    this.specialTokens = specialTokens;
    this.bosId = bosId;
  }

  @Override
  public int vocabSize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text, boolean parseSpecial) {
    String wellFormed = Utf8.wellFormed(text);
    IntBuilder ids = new IntBuilder();
    if (!parseSpecial) {
      encodeText(wellFormed, 0, wellFormed.length(), ids);
      return ids.toArray();
    }
    specialTokens.scan(
        wellFormed,
        new SpecialTokens.Sink() {
          @Override
          public void text(int start, int end) {
            encodeText(wellFormed, start, end, ids);
          }

          @Override
          public void special(int id) {
            ids.add(id);
          }
        });
    return ids.toArray();
  }

  @Override
  public int[] encodePrompt(String text, boolean parseSpecial) {
    return encode(text, parseSpecial);
  }

  private void encodeText(String text, int start, int end, IntBuilder ids) {
    int at = start;
    while (at < end) {
      int wordEnd = Gpt2Splitter.wordEnd(text, at, end);
      if (!cache.lookUp(text, at, wordEnd, ids)) {
        encodeWord(text.substring(at, wordEnd), ids);
      }
      at = wordEnd;
    }
  }

  private void encodeWord(String word, IntBuilder ids) {
    byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
    int[] symbols = new int[utf8.length];
    for (int i = 0; i < utf8.length; i++) {
      symbols[i] = byteIds[utf8[i] & 0xFF];
    }
    int count = PairMerger.merge(symbols, symbols.length, merges);
    ids.add(symbols, count);
    cache.put(word, symbols, count);
  }

  @Override
  public byte[] bytes(int id) {
    return vocabulary.token(id).clone();
  }

  @Override
  public StreamingDecoder decoder() {
    return new TokenDecoder(vocabulary, OptionalInt.empty());
  }

  @Override
  public OptionalInt bosId() {
    return bosId;
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
