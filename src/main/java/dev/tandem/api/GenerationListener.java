package dev.tandem.api;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationResult;

/**
 * Follows a generation while it runs. All methods are called by one thread at a time, in order;
 * exactly one of {@link #completed}, {@link #cancelled} and {@link #failed} is called, and it is
 * the last call. A method that takes long holds up its own generation and no other.
 */
public interface GenerationListener {

  /** Does nothing. */
  GenerationListener NONE = new GenerationListener() {};

  /** A token was generated. Not called for the one that stops the text. */
  default void token(GeneratedToken token) {}

  /**
   * Text became certain: whole characters, no part of a stop string. Never empty; all pieces
   * together are {@link GenerationResult#text}.
   */
  default void text(String piece) {}

  /** The generation ended by itself. */
  default void completed(GenerationResult result) {}

  /** The generation was cancelled; the result is what there was until then. */
  default void cancelled(GenerationResult result) {}

  /** The generation failed, with what {@link Generation#result} throws. */
  default void failed(TandemException failure) {}
}
