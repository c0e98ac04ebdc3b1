package dev.tandem.random;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A vocabulary of any size, so that random weights can run like a model: control tokens and bytes
 * as llama2.c has them, then a space, then pieces whose text is their id.
 */
final class SyntheticVocabulary {
  private static final String[] CONTROL = {"<unk>", "<s>", "</s>"};
  private static final int SPACE_ID = CONTROL.length + 256;
  private static final int MAX_PIECE_BYTES = 16;

  private SyntheticVocabulary() {}

  /**
   * Makes the tokenizer.
   *
   * @throws IOException if {@code vocabSize} is too small for the bytes and the space
   */
  static Tokenizer ofSize(int vocabSize) throws IOException {
    ByteBuffer file =
        ByteBuffer.allocate(
                Math.addExact(Integer.BYTES, Math.multiplyExact(vocabSize, 8 + MAX_PIECE_BYTES)))
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(MAX_PIECE_BYTES);
    for (int id = 0; id < vocabSize; id++) {
      byte[] piece = piece(id).getBytes(StandardCharsets.US_ASCII);
      file.putFloat(-id).putInt(piece.length).put(piece);
    }
    byte[] tokenizerBin = new byte[file.flip().remaining()];
    file.get(tokenizerBin);
    try {
      return Tokenizers.llama2c(tokenizerBin, vocabSize);
    } catch (TokenizerFormatException e) {
      throw new IOException("random weights have no vocabulary of " + vocabSize + " tokens", e);
    }
  }

  private static String piece(int id) {
    if (id < CONTROL.length) {
      return CONTROL[id];
    }
    if (id < SPACE_ID) {
      return String.format(Locale.ROOT, "<0x%02X>", id - CONTROL.length);
    }
    return id == SPACE_ID ? " " : " " + id;
  }
}
