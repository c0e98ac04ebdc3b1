package dev.tandem.tokenizer.flat;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.nio.ByteBuffer;
import java.util.OptionalInt;

/** Reads StaticGrad's vocabulary of GPT-2: for each of the 50257 ids u8 length, bytes. */
public final class StaticGradFile {
  private static final String FILE = "StaticGrad vocabulary";
  private static final int VOCAB_SIZE = 50_257;

  private StaticGradFile() {}

  /**
   * The tokenizer of such a file.
   *
   * @param stopIds the ids that end a text; if empty, that of {@code <|endoftext|>}, if there is
   *     one
   * @throws TokenizerFormatException if the file does not hold that, or no token for some byte
   */
  public static Tokenizer read(byte[] file, int... stopIds) throws TokenizerFormatException {
    byte[][] tokens = TokenBytes.readShort(FILE, VOCAB_SIZE, ByteBuffer.wrap(file));
    return ByteVocabulary.build(FILE, tokens, OptionalInt.empty(), stopIds);
  }
}
