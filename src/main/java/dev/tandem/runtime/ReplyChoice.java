package dev.tandem.runtime;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;

/** Whether the best logits of a row are likely to be all that a request needs. */
final class ReplyChoice {
  private ReplyChoice() {}

  /**
   * Whether the best logits nearly always settle what is drawn: the best token, or one of the best
   * few. Where many tokens can be drawn, whole rows are asked for again and again; where every
   * log-probability is asked for, always. What raises a logit can lift one from outside.
   *
   * @param k how many logits of a row come
   */
  static boolean bestLogitsSuffice(GenerationRequest request, int k) {
    SamplingOptions sampling = request.sampling();
    boolean few = sampling.temperature() == 0 || (sampling.topK() > 0 && sampling.topK() <= k / 2);
    return few
        && request.logprobs().isEmpty()
        && sampling.rng() == Rng.PHILOX
        && sampling.logitBias().isEmpty()
        && sampling.repeatPenalty() >= 1
        && sampling.presencePenalty() >= 0
        && sampling.frequencyPenalty() >= 0;
  }
}
