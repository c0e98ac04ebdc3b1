package dev.tandem.tokenizer.bpe;

import dev.tandem.tokenizer.text.IntBuilder;
import java.nio.charset.StandardCharsets;

/**
 * Words of a vocabulary of characters: SentencePiece, llama2.c, and Hugging Face's files of these.
 * If characters without a token may still merge (SentencePiece), a symbol above all ids stands for
 * such a character: {@code vocabSize + code point}.
 */
final class CharacterWords implements WordEncoder {
  private static final int ABSENT = -1;

  private final int vocabSize;
  private final CodePointIds ids;
  private final MergeTable merges;
  private final int[] byteIds; // empty: no fallback to bytes
  private final boolean fallbackAfterMerges;
  private final int unknownId;
  private final boolean fuseUnknown;

  CharacterWords(TokenizerSpec spec) {
    vocabSize = spec.size();
    ids = characters(spec);
    merges = spec.merges;
    byteIds = spec.byteFallback ? spec.byteIds() : new int[0];
    fallbackAfterMerges = spec.fallbackAfterMerges;
    unknownId = spec.unknownId.orElse(ABSENT);
    fuseUnknown = spec.fuseUnknown;
  }

  private static CodePointIds characters(TokenizerSpec spec) {
    CodePointIds ids = new CodePointIds();
    for (int id = 0; id < spec.size(); id++) {
      String name = spec.normalizer.spaces().working(spec.names[id]);
      boolean text = !spec.types[id].isSpecial() && spec.types[id] != TokenType.BYTE;
      if (text && !name.isEmpty() && name.length() == Character.charCount(name.codePointAt(0))) {
        ids.putIfAbsent(name.codePointAt(0), id);
      }
    }
    return ids;
  }

  @Override
  public int[] encode(String word) {
    Symbols symbols = new Symbols();
    for (int at = 0; at < word.length(); ) {
      int codePoint = word.codePointAt(at);
      int id = ids.get(codePoint);
      if (id >= 0) {
        symbols.add(id);
      } else if (fallbackAfterMerges) {
        symbols.add(vocabSize + codePoint);
      } else {
        symbols.addFallback(codePoint);
      }
      at += Character.charCount(codePoint);
    }
    int[] merged = symbols.out.toArray();
    int n = PairMerger.merge(merged, merged.length, merges);
    Symbols result = new Symbols();
    for (int i = 0; i < n; i++) {
      if (merged[i] < vocabSize) {
        result.add(merged[i]);
      } else {
        result.addFallback(merged[i] - vocabSize);
      }
    }
    return result.out.toArray();
  }

  /** Collects ids, and remembers whether the last one stands for an unknown character. */
  private final class Symbols {
    final IntBuilder out = new IntBuilder();
    private boolean afterUnknown;

    void add(int id) {
      out.add(id);
      afterUnknown = false;
    }

    void addFallback(int codePoint) {
      if (byteIds.length > 0) {
        for (byte value : Character.toString(codePoint).getBytes(StandardCharsets.UTF_8)) {
          add(byteIds[value & 0xFF]);
        }
      } else {
        if (unknownId != ABSENT && !(fuseUnknown && afterUnknown)) {
          out.add(unknownId);
        }
        afterUnknown = true;
      }
    }
  }
}
