package dev.tandem.tokenizer;

import java.util.OptionalInt;

/** The bytes of the tokens, decoded as one stream of UTF-8. */
final class TokenDecoder implements StreamingDecoder {
  private final Vocabulary vocabulary;
  private final OptionalInt textStartId;
  private final Utf8Decoder utf8 = new Utf8Decoder();
  private final StringBuilder text = new StringBuilder();
  private boolean atTextStart = true;

  /**
   * Begins a stream.
   *
   * @param textStartId where encoding puts a space before a text: the beginning-of-sequence token.
   *     It gives no text, and a space with which the token after it (or the first one) begins is
   *     dropped. Empty: every token gives just its bytes.
   */
  TokenDecoder(Vocabulary vocabulary, OptionalInt textStartId) {
    this.vocabulary = vocabulary;
    this.textStartId = textStartId;
  }

  @Override
  public String next(int id) {
    byte[] bytes = vocabulary.token(id);
    if (textStartId.isPresent() && id == textStartId.getAsInt()) {
      return finish();
    }
    boolean dropSpace =
        atTextStart && textStartId.isPresent() && bytes.length > 0 && bytes[0] == ' ';
    atTextStart = false;
    utf8.decode(bytes, dropSpace ? 1 : 0, text);
    return takeText();
  }

  @Override
  public String finish() {
    utf8.finish(text);
    atTextStart = true;
    return takeText();
  }

  private String takeText() {
    String result = text.toString();
    text.setLength(0);
    return result;
  }
}
