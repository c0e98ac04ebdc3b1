package dev.tandem.tokenizer.text;

/** Cuts text into pieces, which the next one cuts further or which are words; may change them. */
public interface PreTokenizer {

  /** Receives the pieces, from left to right. */
  interface Sink {
    /**
     * Takes {@code text[start..end)}, which is not empty.
     *
     * @param first whether the piece begins where the whole text does
     */
    void piece(String text, int start, int end, boolean first);
  }

  /** Cuts {@code text[start..end)}, which is not empty; what is around it has no influence. */
  void cut(String text, int start, int end, boolean first, Sink out);
}
