package dev.tandem.generation;

/** The result of a generation. */
public final class GenerationResult {
  private final int[] promptIds;
  private final int[] ids;
  private final String text;
  private final FinishReason finishReason;
  private final long seed;
  private final GenerationTimings timings;

  GenerationResult(
      int[] promptIds,
      int[] ids,
      String text,
      FinishReason finishReason,
      long seed,
      GenerationTimings timings) {
    this.promptIds = promptIds;
    this.ids = ids;
    this.text = text;
    this.finishReason = finishReason;
    this.seed = seed;
    this.timings = timings;
  }

  /** The prompt ids that the model got. */
  public int[] promptIds() {
    return promptIds.clone();
  }

  /** The generated ids, without the one that stopped the text. */
  public int[] ids() {
    return ids.clone();
  }

  /** The text that the generated ids add to the prompt's text, without the stop string. */
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

  /** The times of the generation. */
  public GenerationTimings timings() {
    return timings;
  }
}
