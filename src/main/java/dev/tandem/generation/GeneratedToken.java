package dev.tandem.generation;

import java.util.List;

/**
 * A token that was generated.
 *
 * @param id the token
 * @param logprob its log-probability as {@link TokenLogprob} defines it; NaN unless the request
 *     asks for log-probabilities
 * @param top the most likely tokens at this position, the best first and equal ones by id: as many
 *     as {@link GenerationRequest#logprobs()} asks for, whether the token is among them or not
 */
public record GeneratedToken(int id, double logprob, List<TokenLogprob> top) {

  /** Copies the list. */
  public GeneratedToken {
    top = List.copyOf(top);
  }
}
