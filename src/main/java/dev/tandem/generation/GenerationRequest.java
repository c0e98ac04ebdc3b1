package dev.tandem.generation;

import dev.tandem.sampling.SamplingOptions;
import dev.tandem.settings.InvalidSettingException;
import java.util.List;
import java.util.function.BooleanSupplier;

/** A prompt and how to continue it. Immutable. */
public final class GenerationRequest {
  private final int[] promptIds;
  private final SamplingOptions sampling;
  private final int maxTokens;
  private final List<String> stopStrings;
  private final boolean ignoreEos;
  private final BooleanSupplier cancelled;

  private GenerationRequest(Builder builder) {
    promptIds = builder.promptIds;
    sampling = builder.sampling;
    maxTokens = builder.maxTokens;
    stopStrings = builder.stopStrings;
    ignoreEos = builder.ignoreEos;
    cancelled = builder.cancelled;
  }

  /** A request to continue these ids by 256 tokens with the default {@link SamplingOptions}. */
  public static Builder builder(int[] promptIds) {
    return new Builder(promptIds.clone());
  }

  /** The prompt, with its beginning-of-sequence token if the model needs one. */
  public int[] promptIds() {
    return promptIds.clone();
  }

  /** How tokens are drawn. */
  public SamplingOptions sampling() {
    return sampling;
  }

  /**
   * The largest number of tokens to generate; with 0 the prompt is computed and nothing is drawn.
   */
  public int maxTokens() {
    return maxTokens;
  }

  /** Texts that end the generation when they appear in it; none is empty. */
  public List<String> stopStrings() {
    return stopStrings;
  }

  /** Whether the model's stop ids are ordinary tokens. */
  public boolean ignoreEos() {
    return ignoreEos;
  }

  /**
   * Asked before every step; may become true at any time, on any thread. While it is true, a stage
   * that fails (for example because it was closed to interrupt a step) also ends the generation as
   * cancelled.
   */
  public BooleanSupplier cancelled() {
    return cancelled;
  }

  /** Builds a request. */
  public static final class Builder {
    private final int[] promptIds;
    private SamplingOptions sampling = SamplingOptions.builder().build();
    private int maxTokens = 256;
    private List<String> stopStrings = List.of();
    private boolean ignoreEos;
    private BooleanSupplier cancelled = () -> false;

    private Builder(int[] promptIds) {
      this.promptIds = promptIds;
    }

    /** See {@link GenerationRequest#sampling}. */
    public Builder sampling(SamplingOptions value) {
      sampling = value;
      return this;
    }

    /**
     * See {@link GenerationRequest#maxTokens}.
     *
     * @throws InvalidSettingException if it is negative
     */
    public Builder maxTokens(int value) {
      if (value < 0) {
        throw new InvalidSettingException("maxTokens", "must be >= 0", value);
      }
      maxTokens = value;
      return this;
    }

    /**
     * See {@link GenerationRequest#stopStrings}.
     *
     * @throws InvalidSettingException if one is empty
     */
    public Builder stopStrings(List<String> value) {
      if (value.contains("")) {
        throw new InvalidSettingException("stopStrings", "must not be empty", "''");
      }
      stopStrings = List.copyOf(value);
      return this;
    }

    /** See {@link GenerationRequest#ignoreEos}. */
    public Builder ignoreEos(boolean value) {
      ignoreEos = value;
      return this;
    }

    /** See {@link GenerationRequest#cancelled}. */
    public Builder cancelled(BooleanSupplier value) {
      cancelled = value;
      return this;
    }

    /** The request. */
    public GenerationRequest build() {
      return new GenerationRequest(this);
    }
  }
}
