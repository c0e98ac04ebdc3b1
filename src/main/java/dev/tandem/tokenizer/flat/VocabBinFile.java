package dev.tandem.tokenizer.flat;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/** Reads {@code vocab.bin}: i32 count, then for each id i32 length, bytes; little-endian. */
public final class VocabBinFile {
  private static final String FILE = "vocab.bin";

  private VocabBinFile() {}

  /**
   * The tokenizer of such a file.
   *
   * @param stopIds the ids that end a text; if empty, that of {@code <|endoftext|>}, if there is
   *     one
   * @throws TokenizerFormatException if the file does not hold that, or no token for some byte
   */
  public static Tokenizer read(byte[] file, int... stopIds) throws TokenizerFormatException {
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (file.length < Integer.BYTES) {
      throw new TokenizerFormatException(FILE, "a count in 4 B", file.length + " B");
    }
    int count = in.getInt();
    if (count < 1 || count > in.remaining() / Integer.BYTES) {
      throw new TokenizerFormatException(
          FILE + " count", "1.." + in.remaining() / Integer.BYTES, Integer.toString(count));
    }
    byte[][] tokens = new byte[count][];
    for (int id = 0; id < count; id++) {
      if (in.remaining() < Integer.BYTES) {
        throw new TokenizerFormatException(
            FILE + " token " + id, "a length in 4 B", in.remaining() + " B");
      }
      tokens[id] = TokenBytes.read(FILE, id, in.getInt(), in);
    }
    TokenBytes.requireEnd(FILE, count, in);
    return ByteVocabulary.build(FILE, tokens, OptionalInt.empty(), stopIds);
  }
}
