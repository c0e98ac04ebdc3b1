package dev.tandem.generation;

/**
 * A token with its log-probability: its natural logarithm under the model's own distribution, the
 * softmax of its logits, before penalties, bias, temperature and truncation.
 *
 * @param id the token
 * @param logprob at most 0; negative infinity where the logit is
 */
public record TokenLogprob(int id, double logprob) {}
