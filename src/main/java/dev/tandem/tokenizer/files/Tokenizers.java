package dev.tandem.tokenizer.files;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.flat.Llama2cFile;
import dev.tandem.tokenizer.flat.LlmcFile;
import dev.tandem.tokenizer.flat.StaticGradFile;
import dev.tandem.tokenizer.flat.VocabBinFile;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import dev.tandem.tokenizer.gguf.GgufVocabularyReader;
import dev.tandem.tokenizer.gguf.GgufVocabularyWriter;
import dev.tandem.tokenizer.huggingface.ByteLevelFiles;
import dev.tandem.tokenizer.huggingface.TokenizerJsonReader;
import dev.tandem.tokenizer.huggingface.TokenizerSettings;
import dev.tandem.tokenizer.sentencepiece.SentencePieceFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** Makes tokenizers from their files. They are immutable and safe for use by many threads. */
public final class Tokenizers {
  private static final String GPT2_MERGES = "gpt2-merges.txt";

  private Tokenizers() {}

  /** Created once, at its first use. */
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
   * GPT-2's own tokenizer, built in: 50257 ids; id 50256 is {@code <|endoftext|>}. OpenAI published
   * the merges with the model (modified MIT licence). Always returns the same object.
   */
  public static Tokenizer gpt2() {
    return Gpt2.INSTANCE;
  }

  /**
   * A byte-level BPE tokenizer with GPT-2's split pattern, from the files of a Hugging Face
   * directory.
   *
   * <p>The special tokens are the stop ids, and {@code <|endoftext|>} if the vocabulary has it,
   * which is also the {@link Tokenizer#bosId}. Prompts are encoded without it.
   *
   * @param vocabJson a JSON object of ids by token; the ids are 0, 1, 2 ... without gaps, and each
   *     of the 256 bytes has a token
   * @param mergesTxt a line for each merge, the first one first: two tokens with a space between;
   *     the first line may be {@code #version...}
   * @param stopIds the ids that end a text ({@code eos_token_id} of {@code config.json}), which may
   *     be beyond this vocabulary if the model has more ids; none: {@code <|endoftext|>} if the
   *     vocabulary has it
   * @throws TokenizerFormatException if a file does not hold that
   */
  public static Tokenizer byteLevelBpe(byte[] vocabJson, byte[] mergesTxt, int... stopIds)
      throws TokenizerFormatException {
    return ByteLevelFiles.read(vocabJson, mergesTxt, stopIds);
  }

  /**
   * Like {@link #byteLevelBpe(byte[], byte[], int...)}; reads both streams to their end and does
   * not close them.
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
   * @param vocabSize the number of tokens, from the checkpoint; the file does not state it
   * @throws TokenizerFormatException if the file does not hold exactly that many tokens in this
   *     form
   */
  public static Tokenizer llama2c(byte[] tokenizerBin, int vocabSize)
      throws TokenizerFormatException {
    return Llama2cFile.read(tokenizerBin, vocabSize);
  }

  /**
   * The tokenizer of a {@code tokenizer.json} (Hugging Face) with a BPE model; {@code
   * docs/tokenizers.md} lists what is supported.
   *
   * <p>{@link Tokenizer#bosId} is the token that the file puts before prompts, otherwise a special
   * token with one of the usual names.
   *
   * @param stopIds the ids that end a text ({@code eos_token_id} of {@code generation_config.json}
   *     or {@code config.json}); if empty, the special tokens with the usual names, such as {@code
   *     <|endoftext|>} and {@code </s>}
   * @throws TokenizerFormatException if the file is malformed or asks for what is not supported; it
   *     names the field
   */
  public static Tokenizer huggingFace(byte[] tokenizerJson, int... stopIds)
      throws TokenizerFormatException {
    return TokenizerJsonReader.read(tokenizerJson, stopIds);
  }

  /**
   * The tokenizer of a {@code tokenizer.model} (SentencePiece) of the type BPE with the normalizer
   * {@code identity}. Prompts begin with the beginning-of-sequence token if there is one.
   *
   * @param stopIds ids that end a text, besides the file's own {@code eos_piece}
   * @throws TokenizerFormatException if the file is malformed or asks for what is not supported; it
   *     names the field
   */
  public static Tokenizer sentencePiece(byte[] tokenizerModel, int... stopIds)
      throws TokenizerFormatException {
    return SentencePieceFile.read(tokenizerModel, stopIds);
  }

  /**
   * A byte-level BPE tokenizer with GPT-2's split pattern from a {@code vocab.bin}: i32 count, then
   * for each id i32 length, bytes. Merges follow from the ids: the merge into the lowest id comes
   * first, as in tiktoken.
   *
   * @param stopIds the ids that end a text; none: that of {@code <|endoftext|>}, if there is one
   * @throws TokenizerFormatException if the file does not hold that, or no token for some byte
   */
  public static Tokenizer vocabBin(byte[] vocabBin, int... stopIds)
      throws TokenizerFormatException {
    return VocabBinFile.read(vocabBin, stopIds);
  }

  /**
   * The tokenizer of llm.c's {@code gpt2_tokenizer.bin}; merges as for {@link #vocabBin}.
   *
   * @param stopIds the ids that end a text; if empty, the id that the file names
   * @throws TokenizerFormatException if the file does not hold that, or no token for some byte
   */
  public static Tokenizer llmc(byte[] gpt2TokenizerBin, int... stopIds)
      throws TokenizerFormatException {
    return LlmcFile.read(gpt2TokenizerBin, stopIds);
  }

  /**
   * The tokenizer of StaticGrad's vocabulary of GPT-2, 50257 times u8 length and bytes; merges as
   * for {@link #vocabBin}.
   *
   * @param stopIds the ids that end a text; none: that of {@code <|endoftext|>}, if there is one
   * @throws TokenizerFormatException if the file does not hold that, or no token for some byte
   */
  public static Tokenizer staticGrad(byte[] vocabulary, int... stopIds)
      throws TokenizerFormatException {
    return StaticGradFile.read(vocabulary, stopIds);
  }

  /**
   * The tokenizer that the metadata of a GGUF file describe.
   *
   * <p>Absent keys mean what they mean to llama.cpp: for the model {@code llama}, prompts begin
   * with token 1, 2 ends a text, and a space is put before a text and before what follows a special
   * token; for {@code gpt2}, prompts begin with a token only for the split {@code llama-bpe}. Where
   * the split is {@code default} or missing, it is the one that the tokens show, and {@link
   * Tokenizer#notes} says so. Control tokens with usual names, such as {@code <|eot_id|>}, end a
   * text besides the one that the metadata name.
   *
   * @param stopIds ids that end a text, besides those of the metadata
   * @throws TokenizerFormatException if the metadata do not fit together or ask for what is not
   *     supported; it names the key
   */
  public static Tokenizer gguf(GgufVocabulary vocabulary, int... stopIds)
      throws TokenizerFormatException {
    return GgufVocabularyReader.read(vocabulary, stopIds);
  }

  /**
   * The metadata of a GGUF file for a tokenizer. {@link #gguf} makes a tokenizer with the same
   * behaviour from them. Other programs understand all keys but {@link GgufVocabulary#own}.
   *
   * @throws UnsupportedOperationException if GGUF cannot express the tokenizer; the message says
   *     why
   */
  public static GgufVocabulary vocabularyOf(Tokenizer tokenizer) {
    if (tokenizer instanceof BpeTokenizer known) {
      return GgufVocabularyWriter.write(known);
    }
    throw new UnsupportedOperationException("GGUF cannot express " + tokenizer.getClass());
  }

  /**
   * A tokenizer with what the files beside it say.
   *
   * @param tokenizer of this class
   * @param stopIds the ids that end a text, as far as the model's configuration says; if it says
   *     nothing, special tokens with the usual names end it too
   * @throws TokenizerFormatException if the settings contradict the vocabulary
   * @throws IllegalArgumentException if the tokenizer is not from this class
   */
  public static Tokenizer withSettings(
      Tokenizer tokenizer, TokenizerSettings settings, int... stopIds)
      throws TokenizerFormatException {
    return settings.applyTo(known(tokenizer), stopIds);
  }

  /**
   * A tokenizer for a model of {@code nRows} ids. If the model has more, there are unused ids
   * behind the tokenizer's own: they stand for no bytes, and no text becomes them. If it has fewer,
   * the tokenizer stays as it is: the model has no rows for its last ids. Ids that neither has end
   * no text.
   *
   * @param notes what the user should know of that; one line each
   * @throws IllegalArgumentException if the tokenizer is not from this class
   */
  public static Tokenizer fitted(Tokenizer tokenizer, int nRows, String... notes) {
    return known(tokenizer).fitted(nRows, List.of(notes));
  }

  private static BpeTokenizer known(Tokenizer tokenizer) {
    if (tokenizer instanceof BpeTokenizer known) {
      return known;
    }
    throw new IllegalArgumentException("not a tokenizer of this class: " + tokenizer.getClass());
  }
}
