package dev.tandem.tokenizer.bpe;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Words of a byte-level vocabulary: GPT-2, Llama 3, Qwen. */
final class ByteWords implements WordEncoder {
  private static final int ABSENT = -1;

  private final int[] byteIds;
  private final MergeTable merges;
  private final @Nullable ByteStringIndex wholeWords;
  private final int unknownId;
  private final boolean fuseUnknown;

  ByteWords(TokenizerSpec spec) {
    byteIds = spec.byteIds();
    merges = spec.merges;
    wholeWords = spec.ignoreMerges ? wholeWords(spec) : null;
    unknownId = spec.unknownId.orElse(ABSENT);
    fuseUnknown = spec.fuseUnknown;
  }

  private static ByteStringIndex wholeWords(TokenizerSpec spec) {
    byte[][] words = new byte[spec.size()][];
    for (int id = 0; id < words.length; id++) {
      boolean isWord =
          spec.types[id] == TokenType.NORMAL && ByteAlphabet.isSpelledIn(spec.names[id]);
      words[id] = isWord ? ByteAlphabet.decode(spec.names[id]) : new byte[0];
    }
    return new ByteStringIndex(words, 0);
  }

  @Override
  public int[] encode(String word) {
    byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
    if (wholeWords != null) {
      int id = wholeWords.find(utf8, 0, utf8.length);
      if (id >= 0) {
        return new int[] {id};
      }
    }
    int[] symbols = new int[utf8.length];
    int n = 0;
    boolean afterUnknown = false;
    for (byte value : utf8) {
      int id = byteIds[value & 0xFF];
      boolean unknown = id == ABSENT;
      if (!unknown) {
        symbols[n++] = id;
      } else if (unknownId != ABSENT && !(fuseUnknown && afterUnknown)) {
        symbols[n++] = unknownId;
      }
      afterUnknown = unknown;
    }
    return Arrays.copyOf(symbols, PairMerger.merge(symbols, n, merges));
  }
}
