package dev.tandem.weights;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.TokenizerFormatException;
import dev.tandem.tokenizer.Tokenizers;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/** Opens tokenizers from their files. */
public final class TokenizerFiles {
  /** The name of GPT-2's own tokenizer, which is inside this program. */
  public static final String GPT2 = "gpt2";

  private static final String VOCAB = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String LLAMA2C = "tokenizer.bin";
  private static final int MAX_FILE_BYTES = 64 << 20;

  private TokenizerFiles() {}

  /**
   * Opens a tokenizer without a model: {@link #GPT2}, an embedded model's by its name, or a path: a
   * directory with {@code vocab.json} and {@code merges.txt}, with {@code merges.txt} alone
   * (GPT-2's ids), or with {@code tokenizer.bin}; or one of these files.
   *
   * @throws ModelFormatException if a file is malformed
   * @throws IOException if a file is missing or cannot be read
   */
  public static Tokenizer open(String nameOrPath) throws IOException {
    if (Checkpoints.embeddedNames().contains(nameOrPath)) {
      try (Checkpoint model = Checkpoints.open(nameOrPath, Optional.empty())) {
        return model.tokenizer();
      }
    }
    return given(Checkpoints.path(nameOrPath), OptionalInt.empty());
  }

  /** A GPT-2 model's: what was given, else {@code vocab.json} and {@code merges.txt} beside it. */
  static Tokenizer ofGpt2(Folder folder, Optional<Path> given, int vocabSize, int... stopIds)
      throws IOException {
    Tokenizer tokenizer =
        given.isPresent()
            ? given(given.get(), OptionalInt.of(vocabSize))
            : byteLevel(folder, VOCAB, MERGES, stopIds);
    return checked(given.map(Path::toString).orElse(folder.path(VOCAB)), tokenizer, vocabSize);
  }

  /** A model's: what was given, else the files beside it: GPT-2's kind, or llama2.c's. */
  static Tokenizer ofModel(Folder folder, Optional<Path> given, int vocabSize, int... stopIds)
      throws IOException {
    return folder.contains(LLAMA2C) && !folder.contains(MERGES)
        ? ofLlama2c(folder, given, vocabSize)
        : ofGpt2(folder, given, vocabSize, stopIds);
  }

  /**
   * A llama2.c model's: what was given, else {@code tokN.bin} or {@code tokenizer.bin} beside it,
   * where N is the number of tokens, as llama2.c's own trainer names it.
   */
  static Tokenizer ofLlama2c(Folder folder, Optional<Path> given, int vocabSize)
      throws IOException {
    if (given.isPresent()) {
      Tokenizer tokenizer = given(given.get(), OptionalInt.of(vocabSize));
      return checked(given.get().toString(), tokenizer, vocabSize);
    }
    String numbered = "tok" + vocabSize + ".bin";
    return llama2c(
        folder, folder.contains(numbered) ? numbered : LLAMA2C, OptionalInt.of(vocabSize));
  }

  private static Tokenizer checked(String path, Tokenizer tokenizer, int vocabSize)
      throws ModelFormatException {
    if (tokenizer.vocabSize() != vocabSize) {
      throw new ModelFormatException(
          path,
          "vocabulary",
          vocabSize + " tokens, because the model has so many",
          "" + tokenizer.vocabSize());
    }
    return tokenizer;
  }

  private static Tokenizer given(Path path, OptionalInt vocabSize) throws IOException {
    if (Files.isDirectory(path)) {
      Folder folder = new Folder.Directory(path);
      if (folder.contains(MERGES)) {
        return byteLevel(folder, VOCAB, MERGES);
      }
      if (folder.contains(LLAMA2C)) {
        return llama2c(folder, LLAMA2C, vocabSize);
      }
      throw new ModelFormatException(
          path.toString(), "no " + MERGES + " (byte-level BPE) and no " + LLAMA2C + " (llama2.c)");
    }
    if (!Files.exists(path)) {
      if (path.equals(Path.of(GPT2))) {
        return Tokenizers.gpt2();
      }
      throw new FileNotFoundException(
          "no tokenizer '" + path + "': neither '" + GPT2 + "' nor a file or directory");
    }
    Path absolute = path.toAbsolutePath().normalize();
    Folder folder =
        new Folder.Directory(Objects.requireNonNullElse(absolute.getParent(), absolute));
    String file = Objects.toString(absolute.getFileName(), "");
    if (file.endsWith(".bin")) {
      return llama2c(folder, file, vocabSize);
    }
    if (file.endsWith(".json")) {
      return byteLevel(folder, file, MERGES);
    }
    if (file.endsWith(".txt")) {
      return byteLevel(folder, VOCAB, file);
    }
    throw new ModelFormatException(
        path.toString(), "not a known tokenizer; expected vocab.json, merges.txt or a .bin file");
  }

  private static Tokenizer byteLevel(Folder folder, String vocab, String merges, int... stopIds)
      throws IOException {
    byte[] mergesTxt = folder.readAll(merges, MAX_FILE_BYTES);
    boolean mergesOnly = vocab.equals(VOCAB) && !folder.contains(vocab);
    byte[] vocabJson = mergesOnly ? new byte[0] : folder.readAll(vocab, MAX_FILE_BYTES);
    try {
      return mergesOnly
          ? Tokenizers.byteLevelBpeFromMerges(mergesTxt)
          : Tokenizers.byteLevelBpe(vocabJson, mergesTxt, stopIds);
    } catch (TokenizerFormatException e) {
      throw malformed(folder.path(mergesOnly ? merges : vocab), e);
    }
  }

  private static Tokenizer llama2c(Folder folder, String file, OptionalInt vocabSize)
      throws IOException {
    byte[] content = folder.readAll(file, MAX_FILE_BYTES);
    try {
      return Tokenizers.llama2c(content, vocabSize.orElseGet(() -> countTokens(content)));
    } catch (TokenizerFormatException e) {
      throw malformed(folder.path(file), e);
    }
  }

  private static ModelFormatException malformed(String path, TokenizerFormatException e) {
    ModelFormatException malformed = new ModelFormatException(path, String.valueOf(e.getMessage()));
    malformed.initCause(e);
    return malformed;
  }

  /** How many {f32 score, i32 length, bytes} follow the u32; of a malformed file, at least one. */
  private static int countTokens(byte[] tokenizerBin) {
    ByteBuffer in = ByteBuffer.wrap(tokenizerBin).order(ByteOrder.LITTLE_ENDIAN);
    int count = 0;
    try {
      in.getInt();
      while (in.hasRemaining()) {
        in.getFloat();
        int length = in.getInt();
        count++;
        in.position(Math.addExact(in.position(), Math.max(0, length)));
      }
    } catch (BufferUnderflowException | IllegalArgumentException | ArithmeticException e) {
      return Math.max(1, count); // the reader says what is wrong with the file
    }
    return Math.max(1, count);
  }
}
