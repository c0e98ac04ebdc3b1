package dev.tandem.weights;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.TokenizerFormatException;
import dev.tandem.tokenizer.Tokenizers;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/** Opens tokenizers from their files. */
public final class TokenizerFiles {
  /** The name of GPT-2's own tokenizer, which is inside this program. */
  public static final String GPT2 = "gpt2";

  private static final String HUGGING_FACE = "tokenizer.json";
  private static final String VOCAB = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String LLAMA2C = "tokenizer.bin";
  private static final int MAX_FILE_BYTES = 64 << 20;

  /** Of a model's ids, one in so many may be padding. */
  private static final int MAX_PADDING_SHARE = 64;

  /** The formats of files that have these names. */
  private static final Map<String, TokenizerFormat> BY_NAME = new LinkedHashMap<>();

  static {
    BY_NAME.put(HUGGING_FACE, TokenizerFormat.HUGGING_FACE);
    BY_NAME.put("tokenizer.model", TokenizerFormat.SENTENCE_PIECE);
    BY_NAME.put(LLAMA2C, TokenizerFormat.LLAMA2C);
    BY_NAME.put("vocab.bin", TokenizerFormat.VOCAB_BIN);
    BY_NAME.put("gpt2_tokenizer.bin", TokenizerFormat.LLMC);
  }

  private TokenizerFiles() {}

  /**
   * Opens a tokenizer without a model: {@link #GPT2}, an embedded model's by its name, or a path: a
   * tokenizer's file, or a directory, in which it is the first that there is of {@code
   * tokenizer.json}, {@code tokenizer.model}, {@code merges.txt} with {@code vocab.json} (or alone:
   * GPT-2's ids), {@code tokenizer.bin}, {@code vocab.bin} and {@code gpt2_tokenizer.bin}. A file
   * with another name is recognised by its content.
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

  /**
   * A model's: what was given, else the file beside it that {@link #open} would take from a
   * directory.
   *
   * @param vocabSize how many ids the model has. The tokenizer may have a few less: rows that pad a
   *     matrix
   * @param stopIds the ids that end a text, as far as the model's configuration says
   */
  static Tokenizer ofModel(Folder folder, Optional<Path> given, int vocabSize, int... stopIds)
      throws IOException {
    OptionalInt size = OptionalInt.of(vocabSize);
    if (given.isPresent()) {
      return fitted(given.get().toString(), given(given.get(), size), vocabSize);
    }
    Optional<String> file = fileIn(folder);
    Tokenizer tokenizer =
        file.isPresent()
            ? read(folder, file.get(), formatOf(file.get()), size, stopIds)
            : byteLevel(folder, VOCAB, MERGES, stopIds);
    return fitted(folder.path(file.orElse(VOCAB)), tokenizer, vocabSize);
  }

  /**
   * A llama2.c model's: what was given, else {@code tokN.bin} or {@code tokenizer.bin} beside it,
   * where N is the number of tokens, as llama2.c's own trainer names it; else any other tokenizer
   * that is there, such as the {@code tokenizer.model} that {@code tokenizer.bin} is made from.
   */
  static Tokenizer ofLlama2c(Folder folder, Optional<Path> given, int vocabSize)
      throws IOException {
    OptionalInt size = OptionalInt.of(vocabSize);
    if (given.isPresent()) {
      return fitted(given.get().toString(), given(given.get(), size), vocabSize);
    }
    String numbered = "tok" + vocabSize + ".bin";
    if (!folder.contains(numbered) && !folder.contains(LLAMA2C) && fileIn(folder).isPresent()) {
      return ofModel(folder, given, vocabSize);
    }
    return read(
        folder, folder.contains(numbered) ? numbered : LLAMA2C, TokenizerFormat.LLAMA2C, size);
  }

  /** A tokenizer for a model: of its size, or a little padded. */
  private static Tokenizer fitted(String path, Tokenizer tokenizer, int vocabSize)
      throws ModelFormatException {
    long missing = (long) vocabSize - tokenizer.vocabSize();
    if (missing < 0 || missing * MAX_PADDING_SHARE > vocabSize) {
      throw new ModelFormatException(
          path,
          "vocabulary",
          vocabSize + " tokens, because the model has so many",
          "" + tokenizer.vocabSize());
    }
    return Tokenizers.padded(tokenizer, vocabSize);
  }

  private static Tokenizer given(Path path, OptionalInt vocabSize) throws IOException {
    if (Files.isDirectory(path)) {
      Folder folder = new Folder.Directory(path);
      Optional<String> file = fileIn(folder);
      if (file.isPresent()) {
        return read(folder, file.get(), formatOf(file.get()), vocabSize);
      }
      if (folder.contains(MERGES)) {
        return byteLevel(folder, VOCAB, MERGES);
      }
      throw new ModelFormatException(
          path.toString(), "no " + MERGES + ", " + String.join(", ", BY_NAME.keySet()));
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
    return file(folder, Objects.toString(absolute.getFileName(), ""), vocabSize);
  }

  /** A file of any name: by its content, or else by its name, so that reading it says more. */
  private static Tokenizer file(Folder folder, String file, OptionalInt vocabSize)
      throws IOException {
    if (file.endsWith(".txt")) {
      return byteLevel(folder, VOCAB, file);
    }
    if (GgufTokenizer.accepts(folder, file)) {
      return GgufTokenizer.open(folder, file);
    }
    byte[] content = folder.readAll(file, MAX_FILE_BYTES);
    for (TokenizerFormat format : TokenizerFormat.values()) {
      if (format.accepts(content)) {
        return read(folder, file, format, vocabSize);
      }
    }
    TokenizerFormat byName = BY_NAME.get(file);
    if (byName != null || file.endsWith(".bin")) {
      return read(
          folder, file, Objects.requireNonNullElse(byName, TokenizerFormat.LLAMA2C), vocabSize);
    }
    if (file.endsWith(".json")) {
      return byteLevel(folder, file, MERGES);
    }
    throw new ModelFormatException(
        folder.path(file),
        "not a known tokenizer; expected a file like "
            + VOCAB
            + ", "
            + MERGES
            + ", "
            + String.join(", ", BY_NAME.keySet()));
  }

  /**
   * The file that is a whole tokenizer, if it comes before {@code merges.txt} or that is not there.
   */
  private static Optional<String> fileIn(Folder folder) {
    boolean merges = folder.contains(MERGES);
    return BY_NAME.keySet().stream()
        .filter(folder::contains)
        .filter(file -> !merges || !file.endsWith(".bin"))
        .findFirst();
  }

  private static TokenizerFormat formatOf(String name) {
    return Objects.requireNonNull(BY_NAME.get(name), name);
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

  private static Tokenizer read(
      Folder folder, String file, TokenizerFormat format, OptionalInt vocabSize, int... stopIds)
      throws IOException {
    byte[] content = folder.readAll(file, MAX_FILE_BYTES);
    try {
      return format.read(content, vocabSize, stopIds);
    } catch (TokenizerFormatException e) {
      throw malformed(folder.path(file), e);
    }
  }

  private static ModelFormatException malformed(String path, TokenizerFormatException e) {
    ModelFormatException malformed = new ModelFormatException(path, String.valueOf(e.getMessage()));
    malformed.initCause(e);
    return malformed;
  }
}
