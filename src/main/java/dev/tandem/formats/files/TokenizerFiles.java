package dev.tandem.formats.files;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.gguf.GgufReader;
import dev.tandem.formats.gguf.GgufTokenizer;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.files.Tokenizers;
import dev.tandem.tokenizer.huggingface.TokenizerSettings;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** Opens tokenizers from their files. */
public final class TokenizerFiles {
  /** The name of GPT-2's own tokenizer, which is built in. */
  public static final String GPT2 = "gpt2";

  private static final String HUGGING_FACE = "tokenizer.json";
  private static final String VOCAB = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String LLAMA2C = "tokenizer.bin";
  private static final Pattern NUMBERED = Pattern.compile("tok[0-9]+\\.bin");
  private static final int MAX_FILE_BYTES = 64 << 20;

  /** Usual padding is at most one in so many of a model's ids. A note states other differences. */
  private static final int USUAL_PADDING_SHARE = 64;

  private static final int MAX_SETTINGS_BYTES = 16 << 20;

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
   * Opens a tokenizer without a model: {@link #GPT2}, the name of an embedded model, or a path. A
   * path is a tokenizer's file or a directory. In a directory it takes the first of {@code
   * tokenizer.json}, {@code tokenizer.model}, {@code merges.txt} with {@code vocab.json} (or alone:
   * GPT-2's ids), {@code tokN.bin}, {@code tokenizer.bin}, {@code vocab.bin}, {@code
   * gpt2_tokenizer.bin} and a GGUF file. A file with another name is recognised by its content.
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
    return given(Folder.written(nameOrPath), OptionalInt.empty());
  }

  /**
   * The tokenizer of a model: the given one, otherwise the file beside the model that {@link #open}
   * would take from a directory.
   *
   * @param vocabSize how many ids the model has; see {@link #fitted}
   * @param stopIds the ids that end a text, as far as the model's configuration says
   */
  public static Tokenizer ofModel(
      Folder folder, Optional<Path> given, int vocabSize, int... stopIds) throws IOException {
    OptionalInt size = OptionalInt.of(vocabSize);
    if (given.isPresent()) {
      return fitted(given(given.get(), size), vocabSize);
    }
    Optional<String> file = fileIn(folder);
    Tokenizer tokenizer =
        file.isPresent()
            ? read(folder, file.get(), formatOf(file.get()), size, stopIds)
            : byteLevel(folder, VOCAB, MERGES, stopIds);
    return fitted(tokenizer, vocabSize);
  }

  /**
   * The tokenizer of a llama2.c model: the given one, otherwise {@code tokN.bin} or {@code
   * tokenizer.bin} beside the model, where N is the number of tokens, as llama2.c's own trainer
   * names it; otherwise any other tokenizer beside it, such as the {@code tokenizer.model} that
   * {@code tokenizer.bin} is made from.
   */
  public static Tokenizer ofLlama2c(Folder folder, Optional<Path> given, int vocabSize)
      throws IOException {
    OptionalInt size = OptionalInt.of(vocabSize);
    if (given.isPresent()) {
      return fitted(given(given.get(), size), vocabSize);
    }
    String numbered = "tok" + vocabSize + ".bin";
    if (!folder.contains(numbered) && !folder.contains(LLAMA2C) && fileIn(folder).isPresent()) {
      return ofModel(folder, given, vocabSize);
    }
    String file = folder.contains(numbered) ? numbered : LLAMA2C;
    return fitted(read(folder, file, TokenizerFormat.LLAMA2C, size), vocabSize);
  }

  /**
   * A tokenizer for a model. It may have fewer ids than the model, whose other rows pad a matrix,
   * or more, which are an error only when they are used. Unless it is a little padding, a note says
   * so: it may be another model's.
   *
   * @param vocabSize how many ids the model has
   */
  public static Tokenizer fitted(Tokenizer tokenizer, int vocabSize) {
    int tokens = tokenizer.vocabSize();
    int missing = vocabSize - tokens;
    if (missing >= 0 && (long) missing * USUAL_PADDING_SHARE <= vocabSize) {
      return Tokenizers.fitted(tokenizer, vocabSize);
    }
    boolean strange = (long) vocabSize > 2L * tokens || (long) tokens > 2L * vocabSize;
    return Tokenizers.fitted(
        tokenizer,
        vocabSize,
        String.format(
            Locale.ROOT,
            "the tokenizer has %d tokens, the model %d: %s%s",
            tokens,
            vocabSize,
            missing > 0
                ? "those without text are never drawn"
                : "a text with one that the model lacks is an error",
            strange ? "; is it this model's tokenizer?" : ""));
  }

  private static Tokenizer given(Path path, OptionalInt vocabSize) throws IOException {
    if (Files.isDirectory(path) && !path.toString().isEmpty()) {
      Folder folder = new Folder.Directory(path);
      Optional<String> file = fileIn(folder);
      if (file.isPresent() && !file.get().endsWith(".bin")) {
        return read(folder, file.get(), formatOf(file.get()), vocabSize);
      }
      if (folder.contains(MERGES)) {
        return byteLevel(folder, VOCAB, MERGES);
      }
      Optional<String> numbered = numbered(folder, vocabSize);
      if (numbered.isPresent()) {
        return read(folder, numbered.get(), TokenizerFormat.LLAMA2C, vocabSize);
      }
      if (file.isPresent()) {
        return file(folder, file.get(), vocabSize);
      }
      List<String> ggufFiles = folder.matching(GgufReader.FILES);
      if (ggufFiles.size() == 1) {
        return GgufTokenizer.open(folder, ggufFiles.get(0));
      }
      throw new ModelFormatException(
          path.toString(),
          "no tokenizer in this directory: no "
              + MERGES
              + ", "
              + String.join(", ", BY_NAME.keySet())
              + ", tokN.bin (N is the number of tokens), nor one GGUF file");
    }
    if (!Files.exists(path) || path.toString().isEmpty()) {
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

  /**
   * A file of any name: its content decides, otherwise its name, so that the error of reading it
   * says more.
   */
  private static Tokenizer file(Folder folder, String file, OptionalInt vocabSize)
      throws IOException {
    if (file.endsWith(".txt")) {
      return byteLevel(folder, VOCAB, file);
    }
    if (GgufTokenizer.accepts(folder, file)) {
      return GgufTokenizer.open(folder, file);
    }
    byte[] content = folder.readAll(file, MAX_FILE_BYTES);
    if (content.length == 0) {
      throw new ModelFormatException(folder.path(file), "not a tokenizer, because it is empty");
    }
    for (TokenizerFormat format : TokenizerFormat.values()) {
      if (format.accepts(content)) {
        return read(folder, file, format, vocabSize);
      }
    }
    if (TokenizerFormat.isVocabulary(content)) {
      return byteLevel(folder, file, MERGES);
    }
    TokenizerFormat byName =
        file.endsWith(".bin")
            ? BY_NAME.getOrDefault(file, TokenizerFormat.LLAMA2C)
            : BY_NAME.get(file);
    boolean sizeMissing = byName == TokenizerFormat.LLAMA2C && vocabSize.isEmpty();
    if (byName != null && !sizeMissing) {
      return read(folder, file, byName, vocabSize);
    }
    throw new ModelFormatException(
        folder.path(file),
        "not a known tokenizer; expected a file like "
            + VOCAB
            + ", "
            + MERGES
            + ", "
            + String.join(", ", BY_NAME.keySet())
            + ", or a GGUF file");
  }

  /** llama2.c's {@code tokN.bin}: the file for N tokens, or the only such file. */
  private static Optional<String> numbered(Folder folder, OptionalInt vocabSize)
      throws IOException {
    List<String> files = folder.matching(NUMBERED);
    String fitting = "tok" + vocabSize.orElse(0) + ".bin";
    if (files.size() > 1 && !files.contains(fitting)) {
      throw new ModelFormatException(
          folder.path(""), "several tokenizers; name one of them: " + String.join(", ", files));
    }
    return files.contains(fitting) ? Optional.of(fitting) : files.stream().findFirst();
  }

  /**
   * The file that is a whole tokenizer, if it comes before {@code merges.txt} or there is no {@code
   * merges.txt}.
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
    if (!folder.contains(merges) && folder.contains(vocab)) {
      throw new ModelFormatException(
          folder.path(vocab), "a vocabulary without merges: there is no " + merges + " beside it");
    }
    byte[] mergesTxt = folder.readAll(merges, MAX_FILE_BYTES);
    boolean mergesOnly = vocab.equals(VOCAB) && !folder.contains(vocab);
    byte[] vocabJson = mergesOnly ? new byte[0] : folder.readAll(vocab, MAX_FILE_BYTES);
    try {
      Tokenizer tokenizer =
          mergesOnly
              ? Tokenizers.byteLevelBpeFromMerges(mergesTxt)
              : Tokenizers.byteLevelBpe(vocabJson, mergesTxt, stopIds);
      return withSettings(folder, tokenizer, stopIds);
    } catch (TokenizerFormatException e) {
      throw malformed(folder.path(mergesOnly ? merges : vocab), e);
    }
  }

  /** With what Hugging Face's other files in the directory say. */
  private static Tokenizer withSettings(Folder folder, Tokenizer tokenizer, int... stopIds)
      throws IOException {
    Map<String, byte[]> files = new HashMap<>();
    for (String file : TokenizerSettings.FILES) {
      if (folder.contains(file)) {
        files.put(file, folder.readAll(file, MAX_SETTINGS_BYTES));
      }
    }
    return files.isEmpty()
        ? tokenizer
        : Tokenizers.withSettings(tokenizer, TokenizerSettings.read(files), stopIds);
  }

  private static Tokenizer read(
      Folder folder, String file, TokenizerFormat format, OptionalInt vocabSize, int... stopIds)
      throws IOException {
    byte[] content = folder.readAll(file, MAX_FILE_BYTES);
    try {
      Tokenizer tokenizer = format.read(content, vocabSize, stopIds);
      return format.hasSettings() ? withSettings(folder, tokenizer, stopIds) : tokenizer;
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
