package dev.tandem.generation;

/** Receives the events of a running generation, on the thread that runs it. */
public interface GenerationListener {

  /** Ignores all events. */
  GenerationListener NONE =
      new GenerationListener() {
        @Override
        public boolean wantsText() {
          return false;
        }
      };

  /** A token was generated. Not called for the token that stops the text. */
  default void token(int id) {}

  /**
   * Whether {@link #text} is called; asked once. If false, a token allocates nothing: the only
   * string is the one in the {@link GenerationResult}.
   */
  default boolean wantsText() {
    return true;
  }

  /**
   * A piece of the text is final: whole characters, and no part of a stop string. Never empty; all
   * pieces together are {@link GenerationResult#text}.
   */
  default void text(String piece) {}
}
