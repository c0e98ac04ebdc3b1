package dev.tandem.api;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Note;
import dev.tandem.tokenizer.Tokenizer;
import java.util.List;

/**
 * A model that continues text, wherever its layers run. It is safe for use by many threads, and any
 * number of generations may run at once: their steps are computed together, and each one gets the
 * bits that it gets alone.
 *
 * <pre>{@code
 * try (TextModel model = Tandem.open("gpt2-shakespeare")) {
 *   System.out.println(model.generate("ROMEO:"));
 * }
 * }</pre>
 *
 * <p>The interface is open: a program may implement it to test itself without a model, or to
 * decorate one.
 */
public interface TextModel extends AutoCloseable {

  /** What the model is. */
  ModelInfo info();

  /** The model's tokenizer. */
  Tokenizer tokenizer();

  /**
   * Whether all layers have the native core's arithmetic, and the same, so that the bits are those
   * of a whole model. Other backends than {@link dev.tandem.settings.Backend#FAST} are never exact.
   */
  boolean exact();

  /** What the user should know of this model here, such as what was assumed. */
  List<Note> notes();

  /**
   * Starts to continue a prompt in a sequence of its own, on a thread of its own.
   *
   * @param listener follows the generation on that thread
   * @throws IllegalStateException if the model is closed
   */
  Generation start(GenerationRequest request, GenerationListener listener);

  /** {@link #start(GenerationRequest, GenerationListener)} without a listener. */
  default Generation start(GenerationRequest request) {
    return start(request, GenerationListener.NONE);
  }

  /**
   * Continues a prompt, and waits.
   *
   * @throws RequestException if the request does not fit the model
   * @throws ServerException if a server fails
   */
  default GenerationResult generate(GenerationRequest request) {
    return start(request).result();
  }

  /**
   * Continues a text by up to {@value GenerationRequest#DEFAULT_MAX_TOKENS} tokens, drawn at
   * temperature 1 with top-p 0.9 and a random seed; gives what is added to it.
   *
   * @throws RequestException if the prompt does not fit the model's context
   * @throws ServerException if a server fails
   */
  default String generate(String prompt) {
    return generate(GenerationRequest.of(prompt)).text();
  }

  /**
   * A sequence that is continued turn by turn.
   *
   * @throws IllegalStateException if the model is closed
   */
  Conversation conversation();

  /**
   * Cancels what is running, waits for it, and frees the model; idempotent. Conversations of this
   * model cannot be used any more.
   */
  @Override
  void close();
}
