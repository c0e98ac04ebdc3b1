package dev.tandem.tokenizer;

/**
 * Decodes one stream of ids into text and never hands out half a UTF-8 character: bytes of an
 * incomplete character wait for the ids that complete it. Not safe for use by several threads.
 */
public interface StreamingDecoder {

  /** The text that becomes complete with this id; often empty, never null. */
  String next(int id);

  /** The text of what is still incomplete (U+FFFD for each malformed part); resets the decoder. */
  String finish();
}
