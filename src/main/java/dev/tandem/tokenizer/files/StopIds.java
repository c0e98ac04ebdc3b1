package dev.tandem.tokenizer.files;

import dev.tandem.tokenizer.TokenizerFormatException;
import java.util.Set;
import java.util.TreeSet;

/** The ids that end a text according to a model's configuration. */
final class StopIds {
  private StopIds() {}

  /**
   * The ids as a modifiable set.
   *
   * @throws TokenizerFormatException if one is not in the vocabulary
   */
  static Set<Integer> of(int vocabSize, int... stopIds) throws TokenizerFormatException {
    Set<Integer> stops = new TreeSet<>();
    for (int id : stopIds) {
      check("end-of-text id", vocabSize, id);
      stops.add(id);
    }
    return stops;
  }

  /** Throws if an id is not in the vocabulary. */
  static void check(String what, int vocabSize, int id) throws TokenizerFormatException {
    if (id < 0 || id >= vocabSize) {
      throw new TokenizerFormatException(
          what, "0.." + (vocabSize - 1) + ", an id of the vocabulary", Integer.toString(id));
    }
  }
}
