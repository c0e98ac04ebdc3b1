package dev.tandem.generation;

import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.SamplingOptions;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.UnaryOperator;

/**
 * A prompt and how to continue it. Immutable: each method with a parameter gives another request,
 * which differs in that one thing.
 *
 * <pre>{@code
 * GenerationRequest.of("ROMEO:").maxTokens(100).temperature(0.7).seed(42)
 * }</pre>
 */
public final class GenerationRequest {
  /** Tokens that are generated where nothing else is said. */
  public static final int DEFAULT_MAX_TOKENS = 256;

  private static final int NO_LOGPROBS = -1;

  private final Prompt prompt;
  private final SamplingOptions sampling;
  private final boolean seeded;
  private final int maxTokens;
  private final List<String> stopStrings;
  private final boolean ignoreEos;
  private final int logprobs;

  private GenerationRequest(
      Prompt prompt, SamplingOptions sampling, boolean seeded, Ending ending, int logprobs) {
    this.prompt = prompt;
    this.sampling = sampling;
    this.seeded = seeded;
    this.maxTokens = ending.maxTokens;
    this.stopStrings = ending.stopStrings;
    this.ignoreEos = ending.ignoreEos;
    this.logprobs = logprobs;
  }

  /** When a generation ends. */
  private record Ending(int maxTokens, List<String> stopStrings, boolean ignoreEos) {}

  /**
   * A request to continue a prompt by at most {@value #DEFAULT_MAX_TOKENS} tokens with the default
   * {@link SamplingOptions} and a random seed.
   */
  public static GenerationRequest of(Prompt prompt) {
    return new GenerationRequest(
        prompt,
        SamplingOptions.builder().build(),
        false,
        new Ending(DEFAULT_MAX_TOKENS, List.of(), false),
        NO_LOGPROBS);
  }

  /** As {@link #of(Prompt)}, for text without special tokens. */
  public static GenerationRequest of(String text) {
    return of(Prompt.text(text));
  }

  /** As {@link #of(Prompt)}, for token ids. */
  public static GenerationRequest of(int... ids) {
    return of(Prompt.ids(ids));
  }

  /** What to continue. */
  public Prompt prompt() {
    return prompt;
  }

  /** The same with another prompt. */
  public GenerationRequest prompt(Prompt value) {
    return new GenerationRequest(value, sampling, seeded, ending(), logprobs);
  }

  /** How tokens are drawn; where the seed is open, with the one of {@link SamplingOptions}. */
  public SamplingOptions sampling() {
    return sampling;
  }

  /** The same with tokens drawn in another way; its seed is taken, too. */
  public GenerationRequest sampling(SamplingOptions value) {
    return new GenerationRequest(prompt, value, true, ending(), logprobs);
  }

  /**
   * The same with another temperature; 0 takes the best token.
   *
   * @throws InvalidSettingException if it is out of range
   */
  public GenerationRequest temperature(double value) {
    return drawn(options -> options.temperature(value), seeded);
  }

  /**
   * The same with the best {@code value} tokens kept; 0 keeps all.
   *
   * @throws InvalidSettingException if it is negative
   */
  public GenerationRequest topK(int value) {
    return drawn(options -> options.topK(value), seeded);
  }

  /**
   * The same with the best tokens kept that together have this probability; 1 keeps all.
   *
   * @throws InvalidSettingException if it is not in [0, 1]
   */
  public GenerationRequest topP(double value) {
    return drawn(options -> options.topP(value), seeded);
  }

  /** The same with this seed of the random numbers: equal requests then draw equal tokens. */
  public GenerationRequest seed(long value) {
    return drawn(options -> options.seed(value), true);
  }

  /** Whether the seed is given. */
  public boolean seeded() {
    return seeded;
  }

  /** The same with a seed: its own, if it is given, else a random one. */
  public GenerationRequest withSeed() {
    return seeded ? this : seed(ThreadLocalRandom.current().nextLong());
  }

  /** Tokens to generate at most; with 0 the prompt is computed and nothing is drawn. */
  public int maxTokens() {
    return maxTokens;
  }

  /**
   * The same with another number of tokens at most.
   *
   * @throws InvalidSettingException if it is negative
   */
  public GenerationRequest maxTokens(int value) {
    if (value < 0) {
      throw new InvalidSettingException("maxTokens", "must be >= 0", value);
    }
    return ended(new Ending(value, stopStrings, ignoreEos));
  }

  /** Texts that end the generation where they appear in it; none is empty. */
  public List<String> stopStrings() {
    return stopStrings;
  }

  /**
   * The same with other stop strings.
   *
   * @throws InvalidSettingException if one is empty
   */
  public GenerationRequest stopStrings(List<String> value) {
    if (value.contains("")) {
      throw new InvalidSettingException("stopStrings", "must not be empty", "''");
    }
    return ended(new Ending(maxTokens, List.copyOf(value), ignoreEos));
  }

  /** As {@link #stopStrings(List)}. */
  public GenerationRequest stop(String... value) {
    return stopStrings(List.of(value));
  }

  /** Whether the model's stop ids are ordinary tokens. */
  public boolean ignoreEos() {
    return ignoreEos;
  }

  /** The same with the model's stop ids as ordinary tokens, or not. */
  public GenerationRequest ignoreEos(boolean value) {
    return ended(new Ending(maxTokens, stopStrings, value));
  }

  /**
   * How many of the most likely tokens are reported with their log-probabilities beside each chosen
   * one; empty if none is asked for. See {@link GeneratedToken}.
   */
  public OptionalInt logprobs() {
    return logprobs == NO_LOGPROBS ? OptionalInt.empty() : OptionalInt.of(logprobs);
  }

  /**
   * The same with log-probabilities: of each chosen token, and of the {@code n} most likely ones.
   *
   * @param n 0 or more; above the vocabulary's size all are reported
   * @throws InvalidSettingException if it is negative
   */
  public GenerationRequest logprobs(int n) {
    if (n < 0) {
      throw new InvalidSettingException("logprobs", "must be >= 0", n);
    }
    return new GenerationRequest(prompt, sampling, seeded, ending(), n);
  }

  private Ending ending() {
    return new Ending(maxTokens, stopStrings, ignoreEos);
  }

  private GenerationRequest ended(Ending ending) {
    return new GenerationRequest(prompt, sampling, seeded, ending, logprobs);
  }

  private GenerationRequest drawn(
      UnaryOperator<SamplingOptions.Builder> change, boolean withGivenSeed) {
    SamplingOptions changed = change.apply(sampling.toBuilder()).build();
    return new GenerationRequest(prompt, changed, withGivenSeed, ending(), logprobs);
  }
}
