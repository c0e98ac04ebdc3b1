package dev.tandem.tokenizer.bpe;

import java.util.Set;
import java.util.TreeSet;

/** The ids that end a text according to a model's configuration. */
public final class StopIds {
  /** The token that ends a text in GPT-2's vocabulary, and in vocabularies trained like it. */
  public static final String END_OF_TEXT = "<|endoftext|>";

  private StopIds() {}

  /** How tokens are called that end a text, in files that do not say which do. */
  private static final Set<String> NAMES =
      Set.of(
          END_OF_TEXT,
          "</s>",
          "<|end_of_text|>",
          "<|eot_id|>",
          "<|eom_id|>",
          "<|im_end|>",
          "<|end|>",
          "<end_of_turn>",
          "<|end_of_turn|>",
          "<eos>");

  /**
   * These ids, in a set that may be added to. They may be beyond the vocabulary: a model can have
   * more ids than its tokenizer.
   *
   * @throws TokenizerFormatException if one is negative
   */
  public static Set<Integer> of(int... stopIds) throws TokenizerFormatException {
    Set<Integer> stops = new TreeSet<>();
    for (int id : stopIds) {
      check("end-of-text id", Integer.MAX_VALUE, id);
      stops.add(id);
    }
    return stops;
  }

  /** The tokens of some types that have one of the usual names, in a set that may be added to. */
  public static Set<Integer> byName(TokenizerSpec spec, Set<TokenType> types) {
    Set<Integer> stops = new TreeSet<>();
    for (int id = 0; id < spec.size(); id++) {
      if (types.contains(spec.types[id]) && NAMES.contains(spec.names[id])) {
        stops.add(id);
      }
    }
    return stops;
  }

  /** Throws if an id is not in the vocabulary. */
  public static void check(String what, int vocabSize, int id) throws TokenizerFormatException {
    if (id < 0 || id >= vocabSize) {
      throw new TokenizerFormatException(
          what, "0.." + (vocabSize - 1) + ", an id of the vocabulary", Integer.toString(id));
    }
  }
}
