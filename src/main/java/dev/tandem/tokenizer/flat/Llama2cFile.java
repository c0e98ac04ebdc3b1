package dev.tandem.tokenizer.flat;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.ScoreMerges;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import dev.tandem.tokenizer.bpe.Utf8;
import dev.tandem.tokenizer.text.Normalizer;
import dev.tandem.tokenizer.text.Spaces;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Reads llama2.c's {@code tokenizer.bin}: u32 length of the longest token, then for each id f32
 * score, i32 length, bytes; little-endian. The number of ids is not stored. Source: {@code
 * tokenizer.py} and {@code run.c} of llama2.c. Encoding is {@code run.c}'s: a space before the
 * text, each character becomes its token or its bytes, then the adjacent pair whose merged token
 * has the best score merges, the leftmost of equals. Unlike in {@code run.c}, and as in
 * SentencePiece itself, written-out control and byte tokens are never matched in ordinary text.
 */
public final class Llama2cFile {
  private static final String FILE = "tokenizer.bin";
  private static final int TOKEN_HEADER_BYTES = 8;

  private static final int UNKNOWN_ID = 0;
  private static final int BOS_ID = 1;
  private static final int EOS_ID = 2;
  private static final int FIRST_BYTE_ID = 3;
  private static final int FIRST_PIECE_ID = FIRST_BYTE_ID + 256;

  /** run.c merges only above -1e10. */
  private static final float LEAST_SCORE = Math.nextUp(-1e10f);

  private Llama2cFile() {}

  /**
   * The tokenizer of such a file.
   *
   * @param vocabSize the number of tokens, from the checkpoint
   * @throws TokenizerFormatException if the file does not hold exactly that many tokens
   */
  public static Tokenizer read(byte[] file, int vocabSize) throws TokenizerFormatException {
    if (vocabSize < FIRST_PIECE_ID) {
      throw new TokenizerFormatException(
          FILE + " vocabulary size",
          "at least " + FIRST_PIECE_ID + " (control tokens and bytes)",
          Integer.toString(vocabSize));
    }
    long leastBytes = 4L + (long) TOKEN_HEADER_BYTES * vocabSize;
    if (file.length < leastBytes) {
      throw new TokenizerFormatException(
          FILE, "at least " + leastBytes + " B for " + vocabSize + " tokens", file.length + " B");
    }
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    long maxTokenBytes = Integer.toUnsignedLong(in.getInt());
    String[] names = new String[vocabSize];
    float[] scores = new float[vocabSize];
    for (int id = 0; id < vocabSize; id++) {
      readToken(in, id, maxTokenBytes, names, scores);
    }
    if (in.hasRemaining()) {
      throw new TokenizerFormatException(
          FILE,
          "its end after " + vocabSize + " tokens (" + in.position() + " B)",
          in.remaining() + " B more");
    }
    return new BpeTokenizer(spec(names, scores));
  }

  private static TokenizerSpec spec(String[] names, float[] scores)
      throws TokenizerFormatException {
    TokenType[] types = new TokenType[names.length];
    Arrays.fill(types, TokenType.NORMAL);
    types[UNKNOWN_ID] = TokenType.UNKNOWN;
    types[BOS_ID] = TokenType.CONTROL;
    types[EOS_ID] = TokenType.CONTROL;
    Arrays.fill(types, FIRST_BYTE_ID, FIRST_PIECE_ID, TokenType.BYTE);
    for (int id = 0; id < FIRST_BYTE_ID; id++) {
      names[id] = names[id].strip(); // llama2.c's exporter puts line ends around <s> and </s>
    }
    requireBytes(names);
    requireSpace(names);
    for (int id = FIRST_PIECE_ID; id < names.length; id++) {
      names[id] = names[id].replace(' ', Spaces.ESCAPED); // as SentencePiece wrote them originally
    }
    TokenizerSpec spec = new TokenizerSpec(names, types, false);
    spec.normalizer =
        new Normalizer(false, Normalizer.Prefix.TEXT_START, Spaces.AS_DISTINCT_U2581, false);
    spec.scores = scores;
    spec.leastScore = LEAST_SCORE;
    spec.merges = ScoreMerges.table(FILE, spec);
    spec.byteFallback = true;
    spec.unknownId = OptionalInt.of(UNKNOWN_ID);
    spec.bosId = OptionalInt.of(BOS_ID);
    spec.promptPrefix = new int[] {BOS_ID};
    spec.stopIds = Set.of(BOS_ID, EOS_ID);
    spec.dropsSpace = true;
    return spec;
  }

  private static void readToken(
      ByteBuffer in, int id, long maxTokenBytes, String[] names, float[] scores)
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
    byte[] token = new byte[length];
    in.get(token);
    names[id] = Utf8.decode(what, token);
  }

  private static void requireBytes(String[] names) throws TokenizerFormatException {
    for (int value = 0; value < 256; value++) {
      int id = FIRST_BYTE_ID + value;
      String name = TokenizerSpec.byteName(value);
      if (!names[id].equals(name)) {
        throw new TokenizerFormatException(FILE + " token " + id, name, Quote.of(names[id]));
      }
    }
  }

  /** Encoding puts a space before every text. */
  private static void requireSpace(String[] names) throws TokenizerFormatException {
    for (int id = FIRST_PIECE_ID; id < names.length; id++) {
      if (names[id].equals(" ")) {
        return;
      }
    }
    throw new TokenizerFormatException(FILE, "a token that is one space", "none");
  }
}
