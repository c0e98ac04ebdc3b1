package dev.tandem.tokenizer.bpe;

import dev.tandem.tokenizer.StreamingDecoder;
import java.util.OptionalInt;

/** Decodes the bytes of the tokens as one stream of UTF-8. */
final class TokenDecoder implements StreamingDecoder {
  private final Vocabulary vocabulary;
  private final OptionalInt silentId;
  private final boolean dropsSpace;
  private final Utf8Decoder utf8 = new Utf8Decoder();
  private boolean atTextStart = true;

  /**
   * Begins a stream.
   *
   * @param silentId the beginning-of-sequence token, if prompts begin with it: it gives no text,
   *     and a new text starts behind it
   * @param dropsSpace whether a space with which a text starts is dropped, because encoding puts
   *     one there
   */
  TokenDecoder(Vocabulary vocabulary, OptionalInt silentId, boolean dropsSpace) {
    this.vocabulary = vocabulary;
    this.silentId = silentId;
    this.dropsSpace = dropsSpace;
  }

  @Override
  public void next(int id, StringBuilder out) {
    byte[] bytes = vocabulary.token(id);
    if (silentId.isPresent() && id == silentId.getAsInt()) {
      finish(out);
      return;
    }
    boolean dropSpace = atTextStart && dropsSpace && bytes.length > 0 && bytes[0] == ' ';
    atTextStart = false;
    utf8.decode(bytes, dropSpace ? 1 : 0, out);
  }

  @Override
  public void finish(StringBuilder out) {
    utf8.finish(out);
    atTextStart = true;
  }
}
