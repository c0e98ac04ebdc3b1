package dev.tandem.tokenizer.flat;

import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.nio.ByteBuffer;

/** The bytes of tokens in files that state their lengths. */
final class TokenBytes {
  private TokenBytes() {}

  /**
   * Reads the bytes of a token.
   *
   * @throws TokenizerFormatException if the file holds fewer
   */
  static byte[] read(String file, int id, int length, ByteBuffer in)
      throws TokenizerFormatException {
    if (length < 0 || length > in.remaining()) {
      throw new TokenizerFormatException(
          file + " token " + id + " length", "0.." + in.remaining(), Integer.toString(length));
    }
    byte[] token = new byte[length];
    in.get(token);
    return token;
  }

  /**
   * Reads tokens in the form {u8 length, bytes}.
   *
   * @throws TokenizerFormatException if the file holds fewer
   */
  static byte[][] readShort(String file, int count, ByteBuffer in) throws TokenizerFormatException {
    byte[][] tokens = new byte[count][];
    for (int id = 0; id < count; id++) {
      if (!in.hasRemaining()) {
        throw new TokenizerFormatException(
            file, count + " tokens", id + " tokens in " + in.limit() + " B");
      }
      tokens[id] = read(file, id, in.get() & 0xFF, in);
    }
    requireEnd(file, count, in);
    return tokens;
  }

  /** Throws if something follows the tokens. */
  static void requireEnd(String file, int count, ByteBuffer in) throws TokenizerFormatException {
    if (in.hasRemaining()) {
      throw new TokenizerFormatException(
          file,
          "its end after " + count + " tokens (" + in.position() + " B)",
          in.remaining() + " B more");
    }
  }
}
