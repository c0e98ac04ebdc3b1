package dev.tandem.tokenizer;

/**
 * Decodes one stream of ids into text and never returns half a UTF-8 character: bytes of an
 * incomplete character wait for the ids that complete it. Each maximal part of a malformed sequence
 * becomes one U+FFFD as soon as no more bytes can complete it, so nothing waits behind it. Not safe
 * for use by several threads.
 *
 * <p>A special token gives its written form. If {@link Tokenizer#encodePrompt} begins with a
 * beginning-of-sequence token, that token gives no text. If encoding puts a space before the text
 * (SentencePiece), one space at the start of the stream, or of the text behind that token, is
 * dropped.
 */
public interface StreamingDecoder {

  /**
   * Appends the text that becomes complete with this id, often nothing. Allocates nothing itself.
   *
   * @throws IllegalArgumentException if the vocabulary has no such id
   */
  void next(int id, StringBuilder out);

  /** Appends U+FFFD for each malformed part of the incomplete bytes, and resets the decoder. */
  void finish(StringBuilder out);

  /** {@link #next(int, StringBuilder)} as a string; often empty. */
  default String next(int id) {
    StringBuilder text = new StringBuilder();
    next(id, text);
    return text.toString();
  }

  /** {@link #finish(StringBuilder)} as a string. */
  default String finish() {
    StringBuilder text = new StringBuilder();
    finish(text);
    return text.toString();
  }
}
