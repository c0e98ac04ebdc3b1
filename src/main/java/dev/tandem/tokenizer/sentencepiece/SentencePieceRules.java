package dev.tandem.tokenizer.sentencepiece;

import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import java.util.Arrays;
import java.util.OptionalInt;

/** The treatment of unknown characters in SentencePiece's BPE, for every file format. */
public final class SentencePieceRules {
  private SentencePieceRules() {}

  /**
   * Completes a specification whose {@code byteFallback} is set. Unknown characters may be part of
   * pieces. If they are still single after all merges, they become bytes, or one unknown token for
   * several in a row.
   *
   * @param file for messages
   */
  public static void apply(String file, TokenizerSpec spec) throws TokenizerFormatException {
    OptionalInt unknown = OptionalInt.empty();
    for (int id = 0; id < spec.size(); id++) {
      if (spec.types[id] == TokenType.UNKNOWN) {
        if (unknown.isPresent()) {
          throw new TokenizerFormatException(
              file + " token " + id, "one unknown token", "another one");
        }
        unknown = OptionalInt.of(id);
      }
    }
    if (spec.byteFallback) {
      requireBytes(file, spec);
    }
    spec.unknownId = unknown;
    spec.fuseUnknown = true;
    spec.fallbackAfterMerges = true;
  }

  /** Throws unless there is a token for each byte. */
  public static void requireBytes(String file, TokenizerSpec spec) throws TokenizerFormatException {
    int missing = Arrays.stream(spec.byteIds()).boxed().toList().indexOf(-1);
    if (missing >= 0) {
      throw new TokenizerFormatException(
          file, "a byte token " + TokenizerSpec.byteName(missing) + " for byte_fallback", "none");
    }
  }
}
