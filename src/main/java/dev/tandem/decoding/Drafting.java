package dev.tandem.decoding;

/**
 * How the tokens of a generator are drafted.
 *
 * @param maxTokens guesses of one step at most; 0 for none
 * @param adaptive whether the number is chosen by what a step costs, and how often guesses are
 *     right
 * @param source makes a drafter for each sequence
 */
public record Drafting(int maxTokens, boolean adaptive, Source source) {

  /** No token is drafted. */
  public static final Drafting NONE =
      new Drafting(
          0,
          false,
          capacity -> {
            throw new IllegalStateException("nothing is drafted");
          });

  /** Makes drafters. */
  @FunctionalInterface
  public interface Source {

    /**
     * A drafter for one sequence.
     *
     * @param capacity positions that the sequence can have
     */
    Drafter open(int capacity);
  }
}
