package dev.tandem.decoding;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import org.jspecify.annotations.Nullable;

/** Receives tokens and text on the thread that generates them. */
public interface TokenSink {

  /** Ignores everything; then a token allocates nothing. */
  TokenSink NONE =
      new TokenSink() {
        @Override
        public boolean takesText() {
          return false;
        }
      };

  /**
   * A token was generated. Not called for the one that stops the text.
   *
   * @param details its log-probabilities; null unless {@link GenerationRequest#logprobs()} asks for
   *     them
   */
  default void token(int id, @Nullable GeneratedToken details) {}

  /**
   * Whether {@link #text} is called; asked once. If not, no string is made before the {@link
   * GenerationResult}'s.
   */
  default boolean takesText() {
    return true;
  }

  /** Text became certain: whole characters, no part of a stop string; never empty. */
  default void text(String piece) {}
}
