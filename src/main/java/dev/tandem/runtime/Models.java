package dev.tandem.runtime;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.TokenizerFiles;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelNotFoundException;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.WeightType;
import dev.tandem.tensor.DType;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Opens models by what a user calls them: an embedded name, else a path, else a pulled name. */
public final class Models {
  private Models() {}

  /** Names of the models inside this program, the default first. */
  public static List<String> embeddedNames() {
    return Checkpoints.embeddedNames();
  }

  /**
   * Opens a model's files, and converts its matrices if the source says so.
   *
   * @param progress follows the conversion
   * @throws FileNotFoundException if there is no such model
   * @throws InterruptedIOException if {@code progress} stops the conversion
   * @throws IOException if a file is malformed, missing or cannot be read
   */
  public static Checkpoint open(ModelSource source, LoadListener progress) throws IOException {
    Checkpoint checkpoint =
        open(
            source.name(),
            new OpenOptions(source.tokenizer().map(TokenizerFiles::given), source.config()),
            source.cache());
    return source.type().isEmpty()
        ? checkpoint
        : convert(checkpoint, source.type().get(), progress);
  }

  /** A model in another type; see {@link ConvertedModels#convert}. */
  static Checkpoint convert(Checkpoint checkpoint, WeightType type, LoadListener progress)
      throws IOException {
    return ConvertedModels.convert(
        checkpoint, DType.valueOf(type.name()), ConversionProgress.of(progress));
  }

  private static Checkpoint open(String name, OpenOptions options, Optional<Path> cache)
      throws IOException {
    if (isHere(name)) {
      return Checkpoints.open(name, options);
    }
    Optional<Path> pulled = cache(cache).find(name);
    try {
      return Checkpoints.open(pulled.map(Path::toString).orElse(name), options);
    } catch (FileNotFoundException e) {
      throw pulled.isEmpty() && isOfHub(name)
          ? new ModelNotFoundException(String.valueOf(e.getMessage()), name, e)
          : e;
    }
  }

  /**
   * Opens a tokenizer without its model: GPT-2's, that of an embedded or a pulled model, or a path.
   *
   * @param cache the directory of pulled models; empty for the user's own
   * @throws FileNotFoundException if there is none
   * @throws IOException if a file is malformed or cannot be read
   */
  public static Tokenizer tokenizer(String name, Optional<Path> cache) throws IOException {
    Optional<Path> pulled =
        name.equals(TokenizerFiles.GPT2) || isHere(name)
            ? Optional.empty()
            : cache(cache).find(name);
    if (pulled.isEmpty()) {
      return TokenizerFiles.open(name);
    }
    try (Checkpoint model = Checkpoints.open(pulled.get().toString(), OpenOptions.defaults())) {
      return model.tokenizer();
    }
  }

  /** The directory of pulled models; without a directory, the user's own. */
  static HubCache cache(Optional<Path> directory) throws IOException {
    return directory.isPresent()
        ? new HubCache(directory.get())
        : HubCache.ofUser(System.getenv(), System.getProperty("user.home", ""));
  }

  private static boolean isHere(String name) {
    if (Checkpoints.embeddedNames().contains(name)) {
      return true;
    }
    try {
      return Files.exists(Path.of(name));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private static boolean isOfHub(String name) {
    try {
      HubModel unused = HubModel.of(name);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
