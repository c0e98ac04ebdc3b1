package dev.tandem.generation;

import java.util.List;

/** What a generation produced. Immutable. */
public final class GenerationResult {
  private final int[] promptIds;
  private final int[] ids;
  private final String text;
  private final FinishReason finishReason;
  private final long seed;
  private final List<GeneratedToken> tokens;
  private final GenerationTimings timings;

  /**
   * A result.
   *
   * @param promptIds the prompt's ids, as fed to the model; copied
   * @param ids the generated ids, without the one that stopped the text; copied
   * @param text what the generated ids add to the prompt's text, without the stop string
   * @param finishReason why it ended
   * @param seed the seed of the random numbers
   * @param tokens one for each generated id where the request asks for log-probabilities, else
   *     empty
   * @param timings where the time went
   */
  public GenerationResult(
      int[] promptIds,
      int[] ids,
      String text,
      FinishReason finishReason,
      long seed,
      List<GeneratedToken> tokens,
      GenerationTimings timings) {
    this.promptIds = promptIds.clone();
    this.ids = ids.clone();
    this.text = text;
    this.finishReason = finishReason;
    this.seed = seed;
    this.tokens = List.copyOf(tokens);
    this.timings = timings;
  }

  /** The prompt's ids, as fed to the model; in a conversation those of this turn. */
  public int[] promptIds() {
    return promptIds.clone();
  }

  /** The generated ids, without the one that stopped the text. */
  public int[] ids() {
    return ids.clone();
  }

  /** What the generated ids add to the prompt's text, without the stop string. */
  public String text() {
    return text;
  }

  /** The reason why it ended. */
  public FinishReason finishReason() {
    return finishReason;
  }

  /** Whether it was cancelled; ids and text are then those up to that moment. */
  public boolean cancelled() {
    return finishReason == FinishReason.CANCELLED;
  }

  /** The seed of the random numbers. */
  public long seed() {
    return seed;
  }

  /** The generated tokens with their log-probabilities, if the request asked for them. */
  public List<GeneratedToken> tokens() {
    return tokens;
  }

  /** Where the time went. */
  public GenerationTimings timings() {
    return timings;
  }
}
