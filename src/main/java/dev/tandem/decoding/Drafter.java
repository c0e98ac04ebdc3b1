package dev.tandem.decoding;

import dev.tandem.generation.GenerationRequest;
import java.io.IOException;

/**
 * Guesses the next tokens of one sequence, so that the model can compute several rows in one step.
 * A guess never changes what is generated: the model's own draw decides about each one. One thread
 * uses it; {@link #close} may be called by any thread, and then ends a running guess with an error.
 */
public interface Drafter extends AutoCloseable {

  /**
   * Begins a request.
   *
   * @param ids the sequence so far
   * @param promptEnd the number of its ids, which ends with the request's prompt
   * @throws GenerationException if the request does not fit the drafting model
   */
  void begin(GenerationRequest request, int[] ids, int promptEnd) throws GenerationException;

  /**
   * Guesses the ids that follow.
   *
   * @param ids the sequence so far; the guesses are written behind it, from index {@code size}
   * @param size the number of its ids. It may be smaller than the last call's size plus guesses,
   *     because the model drew other tokens
   * @param max how many guesses at most; {@code ids} has room for them
   * @return the number of guesses
   * @throws IOException if the drafting model fails
   */
  int propose(int[] ids, int size, int max) throws IOException;

  /** Frees what it holds; idempotent. */
  @Override
  void close();
}
