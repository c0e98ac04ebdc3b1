package dev.tandem.formats;

import dev.tandem.formats.dumps.FlatFileReader;
import dev.tandem.formats.dumps.NpyReader;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.gguf.GgufReader;
import dev.tandem.formats.gguf.OldGgmlReader;
import dev.tandem.formats.huggingface.ConfigOnlyReader;
import dev.tandem.formats.huggingface.HuggingFaceReader;
import dev.tandem.formats.pytorch.PyTorchReader;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.ModelSource;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** Opens checkpoints by name, file or directory. */
public final class Checkpoints {
  private static final List<String> EMBEDDED = List.of(ModelSource.DEFAULT, "stories260K");

  /**
   * Asked in this order; the first that accepts a location reads it. So safetensors go before all
   * dumps beside them, which are copies then.
   */
  private static final List<ModelReader> READERS =
      List.of(
          new HuggingFaceReader(),
          new PyTorchReader(),
          new GgufReader(),
          new OldGgmlReader(),
          new NpyReader(),
          new FlatFileReader(),
          new ConfigOnlyReader());

  private Checkpoints() {}

  /** Names of the models inside this program, the default first. */
  public static List<String> embeddedNames() {
    List<String> names = new ArrayList<>();
    for (String name : EMBEDDED) {
      if (isEmbedded(name)) {
        names.add(name);
      }
    }
    return List.copyOf(names);
  }

  private static boolean isEmbedded(String name) {
    try {
      return accepted(embedded(name)).isPresent();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // readers recognise directories by names alone
    }
  }

  /**
   * Opens a model, and checks everything in its files except the tokenizer.
   *
   * @param model the name of an embedded model, otherwise the path of a file or directory
   * @param options the user's additions to the files
   * @throws FileNotFoundException if there is no such model
   * @throws ModelFormatException if a file is malformed, or asks for what is not supported
   * @throws IOException if a file is missing or cannot be read
   */
  public static Checkpoint open(String model, OpenOptions options) throws IOException {
    ModelLocation location = locate(model);
    Optional<ModelReader> reader = accepted(location);
    if (reader.isEmpty()) {
      throw new ModelFormatException(
          location.path(),
          "not a known model; expected "
              + READERS.stream()
                  .map(ModelReader::reads)
                  .filter(reads -> !reads.isEmpty())
                  .collect(Collectors.joining("; or ")));
    }
    Checkpoint read = reader.get().read(location, options);
    if (options.tokenizer().isEmpty()) {
      return read;
    }
    OpenOptions.GivenTokenizer given = options.tokenizer().get();
    return read.withTokenizer(() -> given.open(read.config().vocabSize()));
  }

  /** Like {@link #open(String, OpenOptions)}; the only possible addition is a tokenizer. */
  public static Checkpoint open(String model, Optional<Path> tokenizer) throws IOException {
    return open(model, new OpenOptions(tokenizer.map(TokenizerFiles::given), List.of()));
  }

  private static Optional<ModelReader> accepted(ModelLocation location) throws IOException {
    for (ModelReader reader : READERS) {
      if (reader.accepts(location)) {
        return Optional.of(reader);
      }
    }
    return Optional.empty();
  }

  private static ModelLocation embedded(String name) {
    return new ModelLocation(name, new Folder.Embedded(name), Optional.empty());
  }

  private static ModelLocation locate(String model) throws FileNotFoundException {
    List<String> names = embeddedNames();
    if (names.contains(model)) {
      return embedded(model);
    }
    Path path = Folder.written(model).toAbsolutePath().normalize();
    String name = Objects.toString(path.getFileName(), "/");
    if (Files.isDirectory(path)) {
      return new ModelLocation(name, new Folder.Directory(path), Optional.empty());
    }
    Path parent = path.getParent();
    if (Files.exists(path) && parent != null) {
      return new ModelLocation(name, new Folder.Directory(parent), Optional.of(name));
    }
    throw new FileNotFoundException(
        "no model '"
            + model
            + "': not an embedded model ("
            + String.join(", ", names)
            + "), and there is no file or directory "
            + path);
  }
}
