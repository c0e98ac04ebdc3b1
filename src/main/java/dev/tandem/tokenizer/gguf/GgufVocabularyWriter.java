package dev.tandem.tokenizer.gguf;

import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import dev.tandem.tokenizer.text.Metaspace;
import dev.tandem.tokenizer.text.PreTokenizer;
import dev.tandem.tokenizer.text.Spaces;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Describes tokenizers by the metadata of GGUF files; the inverse of {@link GgufVocabularyReader}.
 */
public final class GgufVocabularyWriter {
  private GgufVocabularyWriter() {}

  /**
   * The metadata from which a reader makes a tokenizer with the same behaviour.
   *
   * @throws UnsupportedOperationException if GGUF cannot express the tokenizer; the message says
   *     why
   */
  public static GgufVocabulary write(BpeTokenizer tokenizer) {
    TokenizerSpec spec = tokenizer.fitted(tokenizer.vocabSize(), List.of()).spec();
    GgufVocabulary plain = plain(spec, tokenizer.vocabSize());
    Map<String, String> own = new TreeMap<>(OwnSettings.of(spec));
    try {
      Map<String, String> implied = OwnSettings.of(GgufVocabularyReader.spec(plain, Map.of()));
      own.entrySet().removeAll(implied.entrySet());
      GgufVocabulary complete = withOwn(plain, own);
      Map<String, String> readBack = OwnSettings.of(GgufVocabularyReader.spec(complete, own));
      if (!readBack.equals(OwnSettings.of(spec))) {
        throw new IllegalStateException("GGUF would not give the same tokenizer: " + readBack);
      }
      return complete;
    } catch (TokenizerFormatException e) {
      throw cannot(String.valueOf(e.getMessage()));
    }
  }

  private static UnsupportedOperationException cannot(String why) {
    return new UnsupportedOperationException("GGUF cannot express this tokenizer: " + why);
  }

  /** The settings that the common keys can express. */
  private static GgufVocabulary plain(TokenizerSpec spec, int vocabSize) {
    List<String> tokens = new ArrayList<>(Arrays.asList(spec.names));
    List<Integer> types = new ArrayList<>();
    for (int id = 0; id < vocabSize; id++) {
      if (id >= spec.size()) {
        tokens.add(TokenizerSpec.gapName(id));
      }
      types.add((id < spec.size() ? spec.types[id] : TokenType.UNUSED).number());
    }
    OptionalInt eosId = eosId(spec);
    return new GgufVocabulary(
        spec.byteLevel ? GgufVocabularyReader.GPT2 : GgufVocabularyReader.LLAMA,
        pre(spec),
        List.copyOf(tokens),
        spec.byteLevel ? List.of() : scores(spec, vocabSize),
        List.copyOf(types),
        spec.scores == null ? merges(spec) : List.of(),
        spec.bosId,
        eosId,
        OptionalInt.empty(),
        spec.unknownId,
        Optional.of(spec.bosId.isPresent() && spec.promptPrefix.length > 0),
        Optional.of(eosId.isPresent() && spec.promptSuffix.length > 0),
        spec.byteLevel ? Optional.empty() : Optional.of(spec.dropsSpace),
        Map.of());
  }

  /**
   * The first token that ends a text, if possible another one than the token that begins a text.
   */
  private static OptionalInt eosId(TokenizerSpec spec) {
    int bosId = spec.bosId.orElse(-1);
    return spec.stopIds.stream()
        .sorted(Comparator.comparing((Integer id) -> id == bosId).thenComparing(id -> id))
        .mapToInt(id -> id)
        .findFirst();
  }

  private static GgufVocabulary withOwn(GgufVocabulary plain, Map<String, String> own) {
    return new GgufVocabulary(
        plain.model(),
        plain.pre(),
        plain.tokens(),
        plain.scores(),
        plain.tokenTypes(),
        plain.merges(),
        plain.bosId(),
        plain.eosId(),
        plain.eotId(),
        plain.unknownId(),
        plain.addBos(),
        plain.addEos(),
        plain.addSpacePrefix(),
        Map.copyOf(own));
  }

  private static String pre(TokenizerSpec spec) {
    if (!spec.byteLevel) {
      boolean known =
          spec.preTokenizers.isEmpty()
              || (spec.preTokenizers.size() == 1 && spec.preTokenizers.get(0) instanceof Metaspace);
      if (!known || spec.normalizer.spaces() == Spaces.LITERAL) {
        throw cannot("no key can express how it splits text or writes spaces");
      }
      return GgufVocabularyReader.DEFAULT_PRE;
    }
    for (Map.Entry<String, List<PreTokenizer>> split : GgufVocabularyReader.SPLITS.entrySet()) {
      boolean ignoreMerges = split.getKey().equals(GgufVocabularyReader.LLAMA3_PRE);
      if (split.getValue().equals(spec.preTokenizers) && spec.ignoreMerges == ignoreMerges) {
        return split.getKey();
      }
    }
    throw cannot("GGUF has no split pattern " + spec.preTokenizers);
  }

  private static List<String> merges(TokenizerSpec spec) {
    List<String> merges = new ArrayList<>();
    for (long pair : spec.merges.pairsByPriority()) {
      String left = spec.names[(int) (pair >>> 32)];
      String right = spec.names[(int) pair];
      if (left.contains(" ") || right.contains(" ")) {
        throw cannot("it merges a token that contains a space: " + Quote.of(left + right));
      }
      merges.add(left + " " + right);
    }
    return merges;
  }

  /**
   * Scores, which other programs need: the existing ones, or scores with which tokens merge in the
   * order of the merges.
   */
  private static List<Float> scores(TokenizerSpec spec, int vocabSize) {
    if (spec.scores != null) {
      return boxed(Arrays.copyOf(spec.scores, vocabSize));
    }
    float[] scores = new float[vocabSize];
    Arrays.fill(scores, -vocabSize);
    long[] pairs = spec.merges.pairsByPriority();
    for (int rank = pairs.length - 1;
        rank >= 0;
        rank--) { // for several merges into one token, the first counts
      int slot = spec.merges.find((int) (pairs[rank] >>> 32), (int) pairs[rank]);
      scores[spec.merges.merged(slot)] = -rank;
    }
    return boxed(scores);
  }

  private static List<Float> boxed(float[] scores) {
    List<Float> boxed = new ArrayList<>(scores.length);
    for (float score : scores) {
      boxed.add(score);
    }
    return List.copyOf(boxed);
  }
}
