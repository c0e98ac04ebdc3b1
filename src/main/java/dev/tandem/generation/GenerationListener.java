package dev.tandem.generation;

/** Hears of a generation while it runs, on the thread that runs it. */
public interface GenerationListener {

  /** Hears nothing. */
  GenerationListener NONE =
      new GenerationListener() {
        @Override
        public boolean wantsText() {
          return false;
        }
      };

  /** A token was generated. Not called for the one that stops the text. */
  default void token(int id) {}

  /**
   * Whether {@link #text} is called; asked once. If not, a token costs no allocation: no string is
   * made before the {@link GenerationResult}'s.
   */
  default boolean wantsText() {
    return true;
  }

  /**
   * Text became certain: whole characters, no part of a stop string. Never empty; all pieces
   * together are {@link GenerationResult#text}.
   */
  default void text(String piece) {}
}
