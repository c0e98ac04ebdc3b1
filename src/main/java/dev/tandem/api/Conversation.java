package dev.tandem.api;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;

/**
 * A sequence that is continued turn by turn. It keeps its KV caches, at home and on servers, so
 * that only the rows of what is new are computed. {@link TextModel#conversation} returns it.
 *
 * <p>Turns come one after another; all methods may be called by any thread.
 */
public interface Conversation extends AutoCloseable {

  /**
   * Adds a prompt to the sequence and starts to continue it, on a thread of its own. A token that
   * the last turn drew belongs to the sequence; a stop token does not.
   *
   * @throws IllegalStateException if a turn is running, if a turn failed before, or if the
   *     conversation is closed
   */
  Generation start(GenerationRequest turn, GenerationListener listener);

  /**
   * Adds a prompt and continues it, and waits.
   *
   * @throws RequestException if the prompt does not fit what is left of the context; the sequence
   *     is then as it was
   * @throws ServerException if a server fails; the conversation is then over
   * @throws IllegalStateException as for {@link #start}
   */
  default GenerationResult generate(GenerationRequest turn) {
    return start(turn, GenerationListener.NONE).result();
  }

  /** As {@link TextModel#generate(String)}, in this sequence. */
  default String generate(String prompt) {
    return generate(GenerationRequest.of(prompt)).text();
  }

  /** Tokens of the sequence so far: prompts and generated ones. */
  int length();

  /** Cancels the turn that is running and frees the sequence; idempotent. */
  @Override
  void close();
}
