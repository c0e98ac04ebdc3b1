package dev.tandem.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Reads llama2.c's {@code tokenizer.bin}: u32 length of the longest token, then for each id f32
 * score, i32 length, bytes; little-endian. The number of ids is not stored. Source: {@code
 * tokenizer.py} and {@code run.c} of llama2.c.
 */
final class Llama2cFile {
  private static final String FILE = "tokenizer.bin";
  private static final int TOKEN_HEADER_BYTES = 8;

  private Llama2cFile() {}

  static SentencePieceBpe read(byte[] file, int vocabSize) throws TokenizerFormatException {
    if (vocabSize < SentencePieceBpe.FIRST_PIECE_ID) {
      throw new TokenizerFormatException(
          FILE + " vocabulary size",
          "at least " + SentencePieceBpe.FIRST_PIECE_ID + " (control tokens and bytes)",
          Integer.toString(vocabSize));
    }
    long leastBytes = 4L + (long) TOKEN_HEADER_BYTES * vocabSize;
    if (file.length < leastBytes) {
      throw new TokenizerFormatException(
          FILE, "at least " + leastBytes + " B for " + vocabSize + " tokens", file.length + " B");
    }
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    long maxTokenBytes = Integer.toUnsignedLong(in.getInt());
    byte[][] tokens = new byte[vocabSize][];
    float[] scores = new float[vocabSize];
    for (int id = 0; id < vocabSize; id++) {
      readToken(in, id, maxTokenBytes, tokens, scores);
    }
    if (in.hasRemaining()) {
      throw new TokenizerFormatException(
          FILE,
          "its end after " + vocabSize + " tokens (" + in.position() + " B)",
          in.remaining() + " B more");
    }
    normaliseControlAndByteTokens(tokens);
    requireSpace(tokens);
    return new SentencePieceBpe(tokens, scores);
  }

  private static void readToken(
      ByteBuffer in, int id, long maxTokenBytes, byte[][] tokens, float[] scores)
      throws TokenizerFormatException {
    String what = FILE + " token " + id;
    if (in.remaining() < TOKEN_HEADER_BYTES) {
      throw new TokenizerFormatException(
          what, TOKEN_HEADER_BYTES + " B of score and length", in.remaining() + " B");
    }
    scores[id] = in.getFloat();
    if (Float.isNaN(scores[id])) {
      throw new TokenizerFormatException(what + " score", "a number", "NaN");
    }
    int length = in.getInt();
    long limit = Math.min(maxTokenBytes, in.remaining());
    if (length < 0 || length > limit) {
      throw new TokenizerFormatException(what + " length", "0.." + limit, Integer.toString(length));
    }
    tokens[id] = new byte[length];
    in.get(tokens[id]);
  }

  /**
   * Makes byte tokens the bytes that they mean, and drops the line ends that llama2.c's exporter
   * puts around {@code <s>} and {@code </s>}.
   */
  private static void normaliseControlAndByteTokens(byte[][] tokens)
      throws TokenizerFormatException {
    for (int id = 0; id < SentencePieceBpe.SPECIAL_COUNT; id++) {
      String form = new String(tokens[id], StandardCharsets.UTF_8).strip();
      tokens[id] = form.getBytes(StandardCharsets.UTF_8);
    }
    for (int value = 0; value < 256; value++) {
      int id = SentencePieceBpe.FIRST_BYTE_ID + value;
      String form = String.format(Locale.ROOT, "<0x%02X>", value);
      if (!Arrays.equals(tokens[id], form.getBytes(StandardCharsets.US_ASCII))) {
        throw new TokenizerFormatException(FILE + " token " + id, form, Quote.of(tokens[id]));
      }
      tokens[id] = new byte[] {(byte) value};
    }
  }

  /** Encoding puts a space before every text. */
  private static void requireSpace(byte[][] tokens) throws TokenizerFormatException {
    for (int id = SentencePieceBpe.FIRST_PIECE_ID; id < tokens.length; id++) {
      if (tokens[id].length == 1 && tokens[id][0] == ' ') {
        return;
      }
    }
    throw new TokenizerFormatException(FILE, "a token that is one space", "none");
  }
}
