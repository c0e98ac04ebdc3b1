package dev.tandem.formats.files;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/** The formats in which a tokenizer is one file; the content decides between them. */
enum TokenizerFormat {
  /** Hugging Face's {@code tokenizer.json}. */
  HUGGING_FACE {
    @Override
    boolean accepts(byte[] content) {
      try (JsonParser json = JsonObject.JSON.parser(content)) {
        boolean member = json.nextToken() == JsonToken.START_OBJECT;
        while (member && json.nextToken() == JsonToken.FIELD_NAME) {
          boolean model = json.currentName().equals("model");
          if (json.nextToken() == JsonToken.START_OBJECT && model) {
            return true;
          }
          json.skipChildren();
        }
      } catch (IOException e) {
        return false;
      }
      return false;
    }

    @Override
    Tokenizer read(byte[] content, OptionalInt vocabSize, int... stopIds)
        throws TokenizerFormatException {
      return Tokenizers.huggingFace(content, stopIds);
    }
  },

  /** llm.c's {@code gpt2_tokenizer.bin}. */
  LLMC {
    @Override
    boolean accepts(byte[] content) {
      return content.length >= Integer.BYTES && littleEndian(content).getInt() == LLMC_MAGIC;
    }

    @Override
    Tokenizer read(byte[] content, OptionalInt vocabSize, int... stopIds)
        throws TokenizerFormatException {
      return Tokenizers.llmc(content, stopIds);
    }
  },

  /** {@code vocab.bin}: i32 count, {i32 length, bytes}. */
  VOCAB_BIN {
    @Override
    boolean accepts(byte[] content) {
      return content.length > Integer.BYTES
          && littleEndian(content).getInt() == countTokens(content, Integer.BYTES, 0, 4);
    }

    @Override
    Tokenizer read(byte[] content, OptionalInt vocabSize, int... stopIds)
        throws TokenizerFormatException {
      return Tokenizers.vocabBin(content, stopIds);
    }
  },

  /** llama2.c's {@code tokenizer.bin}: u32, {f32, i32 length, bytes}. */
  LLAMA2C {
    @Override
    boolean accepts(byte[] content) {
      return countTokens(content, Integer.BYTES, Float.BYTES, 4) > 0;
    }

    @Override
    Tokenizer read(byte[] content, OptionalInt vocabSize, int... stopIds)
        throws TokenizerFormatException {
      int counted = countTokens(content, Integer.BYTES, Float.BYTES, 4);
      return Tokenizers.llama2c(content, counted > 0 ? counted : vocabSize.orElse(1));
    }
  },

  /** StaticGrad's vocabulary: {u8 length, bytes}. */
  STATIC_GRAD {
    @Override
    boolean accepts(byte[] content) {
      return countTokens(content, 0, 0, 1) == GPT2_VOCAB_SIZE;
    }

    @Override
    Tokenizer read(byte[] content, OptionalInt vocabSize, int... stopIds)
        throws TokenizerFormatException {
      return Tokenizers.staticGrad(content, stopIds);
    }
  },

  /** SentencePiece's {@code tokenizer.model}: a protobuf message whose first field is a piece. */
  SENTENCE_PIECE {
    @Override
    boolean accepts(byte[] content) {
      return content.length > 2 && content[0] == PROTOBUF_FIELD_1 && content[2] == PROTOBUF_FIELD_1;
    }

    @Override
    Tokenizer read(byte[] content, OptionalInt vocabSize, int... stopIds)
        throws TokenizerFormatException {
      return Tokenizers.sentencePiece(content, stopIds);
    }
  };

  private static final int LLMC_MAGIC = 20_240_328;
  private static final int GPT2_VOCAB_SIZE = 50_257;
  private static final byte PROTOBUF_FIELD_1 = 1 << 3 | 2; // with bytes

  /** Whether a file looks like this format; reading it reports errors. */
  abstract boolean accepts(byte[] content);

  /**
   * Reads a file.
   *
   * @param vocabSize the number of tokens that it must have, if the file does not state it
   * @param stopIds as for the methods of {@link Tokenizers}
   */
  abstract Tokenizer read(byte[] content, OptionalInt vocabSize, int... stopIds)
      throws TokenizerFormatException;

  /** Whether Hugging Face's files beside it say more of such a tokenizer. */
  boolean hasSettings() {
    return this == HUGGING_FACE || this == SENTENCE_PIECE;
  }

  /** Whether a file looks like a {@code vocab.json}, whose members are ids. */
  static boolean isVocabulary(byte[] content) {
    try (JsonParser json = JsonObject.JSON.parser(content)) {
      return json.nextToken() == JsonToken.START_OBJECT
          && json.nextToken() == JsonToken.FIELD_NAME
          && json.nextToken().isNumeric();
    } catch (IOException e) {
      return false;
    }
  }

  private static ByteBuffer littleEndian(byte[] content) {
    return ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The number of tokens {other bytes, length, bytes} that fill the content exactly; -1 if none do.
   *
   * @param start the offset of the first token
   * @param otherBytes the bytes before each length
   * @param lengthBytes the bytes of a length: 1 or 4
   */
  private static int countTokens(byte[] content, int start, int otherBytes, int lengthBytes) {
    ByteBuffer in = littleEndian(content);
    long at = start;
    int count = 0;
    while (at < content.length) {
      long lengthAt = at + otherBytes;
      if (lengthAt + lengthBytes > content.length) {
        return -1;
      }
      int length = lengthBytes == 1 ? content[(int) lengthAt] & 0xFF : in.getInt((int) lengthAt);
      if (length < 0) {
        return -1;
      }
      at = lengthAt + lengthBytes + length;
      count++;
    }
    return at == content.length ? count : -1;
  }
}
