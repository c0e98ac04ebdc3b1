package dev.tandem.settings;

import java.util.Optional;

/**
 * How the next tokens are guessed, so that a model computes several of them in one step. A wrong
 * guess costs time and nothing else: the text is the same with every draft.
 *
 * @param kind who guesses
 * @param model the small model, for {@link Kind#MODEL}
 * @param maxTokens guesses of one step at most, 1 to {@value #MAX_TOKENS}
 * @param adaptive whether their number follows from how often they are right and from what a step
 *     costs; otherwise it is {@code maxTokens} wherever so many can be made
 */
public record Draft(Kind kind, Optional<ModelSource> model, int maxTokens, boolean adaptive) {
  /** The longest draft. */
  public static final int MAX_TOKENS = 64;

  /** Guesses of one step at most where nothing else is said. */
  public static final int DEFAULT_TOKENS = 15;

  /** Who guesses. */
  public enum Kind {
    /** The text so far: what followed the same tokens before. */
    NGRAM,
    /** A small model with the same tokenizer. */
    MODEL
  }

  /**
   * Checks the number of tokens.
   *
   * @throws InvalidSettingException if it is out of range
   */
  public Draft {
    InvalidSettingException.require(
        maxTokens >= 1 && maxTokens <= MAX_TOKENS,
        "draftTokens",
        "must be in 1.." + MAX_TOKENS,
        maxTokens);
  }

  /** Guesses from the text so far. */
  public static Draft ngram() {
    return new Draft(Kind.NGRAM, Optional.empty(), DEFAULT_TOKENS, true);
  }

  /** Guesses of a small model here, which has the same tokenizer. */
  public static Draft model(ModelSource source) {
    return new Draft(Kind.MODEL, Optional.of(source), DEFAULT_TOKENS, true);
  }

  /** The same with this number of guesses in each step, whether they are right or not. */
  public Draft withFixedTokens(int n) {
    return new Draft(kind, model, n, false);
  }

  /** The same with another largest number of guesses. */
  public Draft withMaxTokens(int n) {
    return new Draft(kind, model, n, adaptive);
  }
}
