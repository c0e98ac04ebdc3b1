package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.util.Objects;

/** Makes samplers. */
public final class Samplers {

  private Samplers() {}

  /**
   * A new sampler for one sequence.
   *
   * @param options how to draw
   * @param vocabSize number of logits, at least 1
   * @throws IllegalArgumentException if a biased id is not in {@code [0, vocabSize)}, or if the
   *     generator is llama2.c's and an option is set that llama2.c does not have
   */
  public static Sampler of(SamplingOptions options, int vocabSize) {
    return of(options, vocabSize, new int[0]);
  }

  /**
   * The same, with ids that are never drawn, whatever their logits.
   *
   * @param never such ids, each in {@code [0, vocabSize)}; not copied
   */
  public static Sampler of(SamplingOptions options, int vocabSize, int[] never) {
    if (vocabSize < 1) {
      throw new IllegalArgumentException("vocabSize must be at least 1, got " + vocabSize);
    }
    for (int id : never) {
      Objects.checkIndex(id, vocabSize);
    }
    return switch (options.rng()) {
      case PHILOX -> new PhiloxSampler(options, vocabSize, never);
      case LLAMA2C -> new Llama2cSampler(options, vocabSize, never);
    };
  }
}
