package dev.tandem.settings;

import static dev.tandem.settings.InvalidSettingException.require;

import java.util.Map;

/**
 * How tokens are drawn; docs/sampling.md gives the arithmetic.
 *
 * @param temperature 0 takes the best token; otherwise logits are divided by it
 * @param topK keep this many best tokens; 0 keeps all
 * @param topP keep the best tokens that together have this probability; 1 keeps all, 0 keeps one
 *     (with {@link Rng#LLAMA2C} 0 keeps all, as there)
 * @param minP keep tokens with at least this share of the best token's probability; 0 keeps all
 * @param repeatPenalty divides positive and multiplies other logits of tokens in the prompt or the
 *     generated text; 1 changes nothing
 * @param presencePenalty subtracted from the logits of generated tokens
 * @param frequencyPenalty subtracted from the logits of generated tokens once per occurrence
 * @param logitBias added to the logits of these ids; negative infinity forbids a token
 * @param rng which random numbers
 * @param seed seed of the random numbers; all 64 bits count
 */
public record SamplingOptions(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repeatPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    Rng rng,
    long seed) {

  /** The random numbers, and with them the rule of drawing. */
  public enum Rng {
    /** Gumbel-max over noise that belongs to (seed, position, token id): docs/sampling.md. */
    PHILOX,
    /** llama2.c's xorshift stream and its softmax and top-p in f32, for comparison with it. */
    LLAMA2C
  }

  /** Bounds far beyond any use; they keep the f64 arithmetic of docs/sampling.md finite. */
  private static final double MAX_TEMPERATURE = 1e30;

  private static final double MAX_PENALTY = 1e6;

  /**
   * Checks every field.
   *
   * @throws InvalidSettingException naming the first field that is out of range
   */
  public SamplingOptions {
    require(
        temperature == 0 || (temperature >= 1 / MAX_TEMPERATURE && temperature <= MAX_TEMPERATURE),
        "temperature",
        "must be 0 or in [1e-30, 1e30]",
        temperature);
    require(topK >= 0, "topK", "must be >= 0", topK);
    require(topP >= 0 && topP <= 1, "topP", "must be in [0, 1]", topP);
    require(minP >= 0 && minP <= 1, "minP", "must be in [0, 1]", minP);
    require(
        repeatPenalty >= 1 / MAX_PENALTY && repeatPenalty <= MAX_PENALTY,
        "repeatPenalty",
        "must be in [1e-6, 1e6]",
        repeatPenalty);
    require(
        Math.abs(presencePenalty) <= MAX_PENALTY,
        "presencePenalty",
        "must be in [-1e6, 1e6]",
        presencePenalty);
    require(
        Math.abs(frequencyPenalty) <= MAX_PENALTY,
        "frequencyPenalty",
        "must be in [-1e6, 1e6]",
        frequencyPenalty);
    logitBias = Map.copyOf(logitBias);
    logitBias.forEach(
        (id, bias) ->
            require(
                id >= 0 && bias < Double.POSITIVE_INFINITY, // false for NaN
                "logitBias",
                "must be ID=BIAS with ID >= 0 and BIAS a finite number or -Infinity",
                id + "=" + bias));
  }

  /** Options that always take the best token. */
  public static SamplingOptions greedy() {
    return builder().temperature(0).build();
  }

  /** Temperature 1, top-p 0.9, Philox with seed 0, nothing else. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from these options. */
  public Builder toBuilder() {
    return new Builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .minP(minP)
        .repeatPenalty(repeatPenalty)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .logitBias(logitBias)
        .rng(rng)
        .seed(seed);
  }

  /** Collects options; {@link #build} checks them. */
  public static final class Builder {
    private double temperature = 1;
    private int topK;
    private double topP = 0.9;
    private double minP;
    private double repeatPenalty = 1;
    private double presencePenalty;
    private double frequencyPenalty;
    private Map<Integer, Double> logitBias = Map.of();
    private Rng rng = Rng.PHILOX;
    private long seed;

    private Builder() {}

    /** See {@link SamplingOptions#temperature}. */
    public Builder temperature(double value) {
      temperature = value;
      return this;
    }

    /** See {@link SamplingOptions#topK}. */
    public Builder topK(int value) {
      topK = value;
      return this;
    }

    /** See {@link SamplingOptions#topP}. */
    public Builder topP(double value) {
      topP = value;
      return this;
    }

    /** See {@link SamplingOptions#minP}. */
    public Builder minP(double value) {
      minP = value;
      return this;
    }

    /** See {@link SamplingOptions#repeatPenalty}. */
    public Builder repeatPenalty(double value) {
      repeatPenalty = value;
      return this;
    }

    /** See {@link SamplingOptions#presencePenalty}. */
    public Builder presencePenalty(double value) {
      presencePenalty = value;
      return this;
    }

    /** See {@link SamplingOptions#frequencyPenalty}. */
    public Builder frequencyPenalty(double value) {
      frequencyPenalty = value;
      return this;
    }

    /** See {@link SamplingOptions#logitBias}. */
    public Builder logitBias(Map<Integer, Double> value) {
      logitBias = value;
      return this;
    }

    /** See {@link SamplingOptions#rng}. */
    public Builder rng(Rng value) {
      rng = value;
      return this;
    }

    /** See {@link SamplingOptions#seed}. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /**
     * The options.
     *
     * @throws IllegalArgumentException naming the first one that is out of range
     */
    public SamplingOptions build() {
      return new SamplingOptions(
          temperature,
          topK,
          topP,
          minP,
          repeatPenalty,
          presencePenalty,
          frequencyPenalty,
          logitBias,
          rng,
          seed);
    }
  }
}
