package dev.tandem.formats;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.OpenOptions.GivenTokenizer;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.formats.gguf.GgufReader;
import dev.tandem.formats.gguf.GgufTokenizer;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/** Opens tokenizers by name, file or directory. */
public final class TokenizerFiles {
  /** The name of GPT-2's own tokenizer, which is built in. */
  public static final String GPT2 = "gpt2";

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
    return open(Folder.written(nameOrPath), OptionalInt.empty());
  }

  /** A tokenizer that a user gives a model in place of its own; opened as {@link #open} says. */
  public static GivenTokenizer given(Path path) {
    return vocabSize -> TokenizerFolder.fitted(open(path, OptionalInt.of(vocabSize)), vocabSize);
  }

  private static Tokenizer open(Path path, OptionalInt vocabSize) throws IOException {
    if (Files.isDirectory(path) && !path.toString().isEmpty()) {
      return directory(path, vocabSize);
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

  private static Tokenizer directory(Path path, OptionalInt vocabSize) throws IOException {
    Folder folder = new Folder.Directory(path);
    TokenizerFolder files = new TokenizerFolder(folder);
    Optional<Tokenizer> alone = files.alone(vocabSize);
    if (alone.isPresent()) {
      return alone.get();
    }
    Optional<String> file = files.file();
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
            + TokenizerFolder.MERGES
            + ", "
            + String.join(", ", TokenizerFolder.names())
            + ", tokN.bin (N is the number of tokens), nor one GGUF file");
  }

  private static Tokenizer file(Folder folder, String file, OptionalInt vocabSize)
      throws IOException {
    return !file.endsWith(".txt") && GgufTokenizer.accepts(folder, file)
        ? GgufTokenizer.open(folder, file)
        : new TokenizerFolder(folder).open(file, vocabSize);
  }
}
