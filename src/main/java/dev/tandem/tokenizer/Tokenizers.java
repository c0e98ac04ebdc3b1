package dev.tandem.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** Makes tokenizers from their files. What it gives is immutable and safe for many threads. */
public final class Tokenizers {
  private static final String GPT2_MERGES = "gpt2-merges.txt";

  private Tokenizers() {}

  /** Made at first use, once. */
  private static final class Gpt2 {
    static final Tokenizer INSTANCE = load();

    private static Tokenizer load() {
      try (InputStream in = Tokenizers.class.getResourceAsStream(GPT2_MERGES)) {
        if (in == null) {
          throw new IllegalStateException("resource " + GPT2_MERGES + " is missing");
        }
        return byteLevelBpeFromMerges(in.readAllBytes());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * GPT-2's own tokenizer, built in: 50257 ids, of which 50256 is {@code <|endoftext|>}. The merges
   * are those that OpenAI published with the model (modified MIT licence). Always the same object.
   */
  public static Tokenizer gpt2() {
    return Gpt2.INSTANCE;
  }

  /**
   * A byte-level BPE tokenizer with GPT-2's split pattern, from the files of a Hugging Face
   * directory.
   *
   * <p>Special are the stop ids, and {@code <|endoftext|>} if the vocabulary has it; that is also
   * its {@link Tokenizer#bosId}. Prompts are encoded without it.
   *
   * @param vocabJson a JSON object of ids by token; the ids are 0, 1, 2 ... without gaps, and each
   *     of the 256 bytes has a token
   * @param mergesTxt a line for each merge, the first one first: two tokens with a space between;
   *     the first line may be {@code #version...}
   * @param stopIds the ids that end a text ({@code eos_token_id} of {@code config.json}); none:
   *     {@code <|endoftext|>} if the vocabulary has it
   * @throws TokenizerFormatException if a file does not hold that, or a stop id is not in it
   */
  public static Tokenizer byteLevelBpe(byte[] vocabJson, byte[] mergesTxt, int... stopIds)
      throws TokenizerFormatException {
    return ByteLevelFiles.read(vocabJson, mergesTxt, stopIds);
  }

  /**
   * As {@link #byteLevelBpe(byte[], byte[], int...)}; reads both streams to their end and does not
   * close them.
   *
   * @throws IOException if a stream fails, or as a {@link TokenizerFormatException}
   */
  public static Tokenizer byteLevelBpe(InputStream vocabJson, InputStream mergesTxt, int... stopIds)
      throws IOException {
    return byteLevelBpe(vocabJson.readAllBytes(), mergesTxt.readAllBytes(), stopIds);
  }

  /**
   * A byte-level BPE tokenizer with GPT-2's split pattern and GPT-2's ids, which follow from the
   * merges: 256 bytes (first those that print in Latin-1, then the others), one id for each merge
   * in the order of the lines, {@code <|endoftext|>}, which ends a text.
   *
   * @param mergesTxt as for {@link #byteLevelBpe(byte[], byte[], int...)}
   * @throws TokenizerFormatException if it does not hold merges that each make a new token
   */
  public static Tokenizer byteLevelBpeFromMerges(byte[] mergesTxt) throws TokenizerFormatException {
    return ByteLevelFiles.readMergesOnly(mergesTxt);
  }

  /**
   * The SentencePiece-style BPE tokenizer of a llama2.c model: {@code <unk>} 0, {@code <s>} 1
   * (beginning of sequence), {@code </s>} 2, the bytes 3..258, then pieces with scores. A text ends
   * at 1 or 2. Encoding puts a space before the text and decoding drops it; prompts begin with 1.
   *
   * @param tokenizerBin llama2.c's {@code tokenizer.bin}
   * @param vocabSize the number of tokens, which the file does not say: the checkpoint's
   * @throws TokenizerFormatException if the file does not hold exactly so many tokens of that form
   */
  public static Tokenizer llama2c(byte[] tokenizerBin, int vocabSize)
      throws TokenizerFormatException {
    return Llama2cFile.read(tokenizerBin, vocabSize);
  }
}
