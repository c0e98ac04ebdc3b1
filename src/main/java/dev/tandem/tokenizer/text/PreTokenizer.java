package dev.tandem.tokenizer.text;

/**
 * Cuts text into pieces, and may change them. The next pre-tokenizer cuts the pieces further; the
 * pieces of the last one are words.
 */
public interface PreTokenizer {

  /** Receives the pieces, from left to right. */
  interface Sink {
    /**
     * Takes {@code text[start..end)}, which is not empty.
     *
     * @param first whether the piece begins at the start of the whole text
     */
    void piece(String text, int start, int end, boolean first);
  }

  /** Cuts {@code text[start..end)}, which is not empty; the text around it has no influence. */
  void cut(String text, int start, int end, boolean first, Sink out);
}
