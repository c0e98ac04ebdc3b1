package dev.tandem.tokenizer.flat;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/**
 * Reads llm.c's {@code gpt2_tokenizer.bin}: 256 i32, of which the first four are the magic number,
 * the version (1 or 2), the number of tokens and (version 2) the token that ends a text; then for
 * each id u8 length, bytes; little-endian. Source: {@code train_gpt2.py} and {@code
 * llmc/tokenizer.h} of llm.c.
 */
public final class LlmcFile {
  /** The first four bytes. */
  static final int MAGIC = 20_240_328;

  private static final String FILE = "gpt2_tokenizer.bin";
  private static final int HEADER_BYTES = 256 * Integer.BYTES;
  private static final int VERSION_1_END_OF_TEXT = 50_256;

  private LlmcFile() {}

  /**
   * The tokenizer of such a file.
   *
   * @param stopIds the ids that end a text; if empty, the id that the file names
   * @throws TokenizerFormatException if the file does not hold that, or no token for some byte
   */
  public static Tokenizer read(byte[] file, int... stopIds) throws TokenizerFormatException {
    if (file.length < HEADER_BYTES) {
      throw new TokenizerFormatException(
          FILE, "a header of " + HEADER_BYTES + " B", file.length + " B");
    }
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    require("magic", in.getInt() == MAGIC, Integer.toString(MAGIC), in.getInt(0));
    int version = in.getInt();
    require("version", version == 1 || version == 2, "1 or 2", version);
    int count = in.getInt();
    int bytes = file.length - HEADER_BYTES;
    require("number of tokens", count >= 1 && count <= bytes, "1.." + bytes, count);
    int endOfText = version == 1 ? VERSION_1_END_OF_TEXT : in.getInt();
    in.position(HEADER_BYTES);
    byte[][] tokens = TokenBytes.readShort(FILE, count, in);
    return ByteVocabulary.build(FILE, tokens, OptionalInt.of(endOfText), stopIds);
  }

  private static void require(String field, boolean holds, String expected, int got)
      throws TokenizerFormatException {
    if (!holds) {
      throw new TokenizerFormatException(FILE + " " + field, expected, Integer.toString(got));
    }
  }
}
