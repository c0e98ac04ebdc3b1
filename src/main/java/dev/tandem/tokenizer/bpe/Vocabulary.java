package dev.tandem.tokenizer.bpe;

import java.util.Set;

/** The tokens by id, the control tokens, and the tokens that end a text. */
final class Vocabulary {
  private final byte[][] tokens;
  private final Set<Integer> specialIds;
  private final Set<Integer> stopIds;

  /**
   * Builds the vocabulary.
   *
   * @param tokens the bytes of each id; not copied, and must not be changed
   * @param specialIds control tokens, which are not text
   * @param stopIds tokens that end a text
   */
  Vocabulary(byte[][] tokens, Set<Integer> specialIds, Set<Integer> stopIds) {
    this.tokens = tokens;
    this.specialIds = Set.copyOf(specialIds);
    this.stopIds = Set.copyOf(stopIds);
  }

  int size() {
    return tokens.length;
  }

  Set<Integer> stopIds() {
    return stopIds;
  }

  /**
   * The bytes of an id; they must not be changed.
   *
   * @throws IllegalArgumentException if there is no such id
   */
  byte[] token(int id) {
    checkId(id);
    return tokens[id];
  }

  /**
   * Whether an id is a control token.
   *
   * @throws IllegalArgumentException if there is no such id
   */
  boolean isSpecial(int id) {
    checkId(id);
    return specialIds.contains(id);
  }

  private void checkId(int id) {
    if (id < 0 || id >= tokens.length) {
      throw new IllegalArgumentException("token id " + id + " not in 0.." + (tokens.length - 1));
    }
  }
}
