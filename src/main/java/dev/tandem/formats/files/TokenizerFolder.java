package dev.tandem.formats.files;

import dev.tandem.model.ModelFormatException;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.files.Tokenizers;
import dev.tandem.tokenizer.huggingface.TokenizerSettings;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** The tokenizer files in a folder, and the one that belongs to a model there. */
public final class TokenizerFolder {
  private static final String HUGGING_FACE = "tokenizer.json";
  private static final String VOCAB = "vocab.json";

  /** GPT-2's merges, one a line. */
  public static final String MERGES = "merges.txt";

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

  private final Folder folder;

  /** The tokenizers of a folder. */
  public TokenizerFolder(Folder folder) {
    this.folder = folder;
  }

  /** The usual names of tokenizer files. */
  public static List<String> names() {
    return List.copyOf(BY_NAME.keySet());
  }

  /**
   * The tokenizer of a model in this folder: the first of {@link #names}; {@code merges.txt} takes
   * precedence over the names that end in {@code .bin}.
   *
   * @param vocabSize how many ids the model has; see {@link #fitted}
   * @param stopIds the ids that end a text, as far as the model's configuration says
   */
  public Tokenizer ofModel(int vocabSize, int... stopIds) throws IOException {
    Optional<String> file = file();
    Tokenizer tokenizer =
        file.isPresent()
            ? read(file.get(), formatOf(file.get()), OptionalInt.of(vocabSize), stopIds)
            : byteLevel(VOCAB, MERGES, stopIds);
    return fitted(tokenizer, vocabSize);
  }

  /**
   * The tokenizer of a llama2.c model: {@code tokN.bin} or {@code tokenizer.bin} beside the model,
   * where N is the number of tokens, as llama2.c's own trainer names it; otherwise any other
   * tokenizer beside it, such as the {@code tokenizer.model} that {@code tokenizer.bin} is made
   * from.
   */
  public Tokenizer ofLlama2c(int vocabSize) throws IOException {
    String numbered = "tok" + vocabSize + ".bin";
    if (!folder.contains(numbered) && !folder.contains(LLAMA2C) && file().isPresent()) {
      return ofModel(vocabSize);
    }
    String file = folder.contains(numbered) ? numbered : LLAMA2C;
    return fitted(read(file, TokenizerFormat.LLAMA2C, OptionalInt.of(vocabSize)), vocabSize);
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

  /**
   * The tokenizer of a folder without a model, unless it is one file in a binary format: the first
   * of {@code tokenizer.json}, {@code tokenizer.model}, {@code merges.txt} with {@code vocab.json}
   * (or alone: GPT-2's ids), and {@code tokN.bin}.
   *
   * @param vocabSize N, if it is known
   * @throws ModelFormatException if a file is malformed, or there are several {@code tokN.bin}
   */
  public Optional<Tokenizer> alone(OptionalInt vocabSize) throws IOException {
    Optional<String> file = file();
    if (file.isPresent() && !file.get().endsWith(".bin")) {
      return Optional.of(read(file.get(), formatOf(file.get()), vocabSize));
    }
    if (folder.contains(MERGES)) {
      return Optional.of(byteLevel(VOCAB, MERGES));
    }
    Optional<String> numbered = numbered(vocabSize);
    return numbered.isPresent()
        ? Optional.of(read(numbered.get(), TokenizerFormat.LLAMA2C, vocabSize))
        : Optional.empty();
  }

  /**
   * A file of any name: its content decides, otherwise its name, so that the error of reading it
   * says more.
   *
   * @param vocabSize the number of tokens, if it is known; some formats do not state it
   * @throws ModelFormatException if the file is malformed or in no known format
   */
  public Tokenizer open(String file, OptionalInt vocabSize) throws IOException {
    if (file.endsWith(".txt")) {
      return byteLevel(VOCAB, file);
    }
    byte[] content = folder.readAll(file, MAX_FILE_BYTES);
    if (content.length == 0) {
      throw new ModelFormatException(folder.path(file), "not a tokenizer, because it is empty");
    }
    for (TokenizerFormat format : TokenizerFormat.values()) {
      if (format.accepts(content)) {
        return read(file, format, vocabSize);
      }
    }
    if (TokenizerFormat.isVocabulary(content)) {
      return byteLevel(file, MERGES);
    }
    TokenizerFormat byName =
        file.endsWith(".bin")
            ? BY_NAME.getOrDefault(file, TokenizerFormat.LLAMA2C)
            : BY_NAME.get(file);
    boolean sizeMissing = byName == TokenizerFormat.LLAMA2C && vocabSize.isEmpty();
    if (byName != null && !sizeMissing) {
      return read(file, byName, vocabSize);
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
  private Optional<String> numbered(OptionalInt vocabSize) throws IOException {
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
  public Optional<String> file() {
    boolean merges = folder.contains(MERGES);
    return BY_NAME.keySet().stream()
        .filter(folder::contains)
        .filter(file -> !merges || !file.endsWith(".bin"))
        .findFirst();
  }

  private static TokenizerFormat formatOf(String name) {
    return Objects.requireNonNull(BY_NAME.get(name), name);
  }

  private Tokenizer byteLevel(String vocab, String merges, int... stopIds) throws IOException {
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
      return withSettings(tokenizer, stopIds);
    } catch (TokenizerFormatException e) {
      throw malformed(folder.path(mergesOnly ? merges : vocab), e);
    }
  }

  /** With what Hugging Face's other files in the directory say. */
  private Tokenizer withSettings(Tokenizer tokenizer, int... stopIds) throws IOException {
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

  private Tokenizer read(String file, TokenizerFormat format, OptionalInt vocabSize, int... stopIds)
      throws IOException {
    byte[] content = folder.readAll(file, MAX_FILE_BYTES);
    try {
      Tokenizer tokenizer = format.read(content, vocabSize, stopIds);
      return format.hasSettings() ? withSettings(tokenizer, stopIds) : tokenizer;
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
