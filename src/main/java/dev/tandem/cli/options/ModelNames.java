package dev.tandem.cli.options;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.files.TokenizerFiles;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.tokenizer.Tokenizer;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Finds a model by its name: a built-in model, otherwise a path, otherwise a pulled model. */
public final class ModelNames {
  private ModelNames() {}

  /**
   * Opens a model.
   *
   * @param options the user's additions to its files
   * @param environment decides where pulled models are
   */
  public static Checkpoint open(String model, OpenOptions options, Map<String, String> environment)
      throws IOException {
    if (Checkpoints.embeddedNames().contains(model) || exists(model)) {
      return Checkpoints.open(model, options);
    }
    Optional<Path> pulled = pulled(model, environment);
    try {
      return Checkpoints.open(pulled.map(Path::toString).orElse(model), options);
    } catch (FileNotFoundException e) {
      throw pulled.isEmpty() && isOfHub(model) ? withHint(e, model) : e;
    }
  }

  /**
   * Opens a tokenizer without a model: GPT-2's, that of a built-in or a pulled model, or a path.
   *
   * @param environment decides where pulled models are
   */
  static Tokenizer tokenizer(String name, Map<String, String> environment) throws IOException {
    Optional<Path> pulled =
        name.equals(TokenizerFiles.GPT2)
                || Checkpoints.embeddedNames().contains(name)
                || exists(name)
            ? Optional.empty()
            : pulled(name, environment);
    if (pulled.isEmpty()) {
      return TokenizerFiles.open(name);
    }
    try (Checkpoint model = Checkpoints.open(pulled.get().toString(), OpenOptions.defaults())) {
      return model.tokenizer();
    }
  }

  private static Optional<Path> pulled(String model, Map<String, String> environment)
      throws IOException {
    return HubCache.ofUser(environment, System.getProperty("user.home", "")).find(model);
  }

  private static boolean exists(String path) {
    try {
      return Files.exists(Path.of(path));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private static boolean isOfHub(String model) {
    try {
      HubModel unused = HubModel.of(model);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static FileNotFoundException withHint(FileNotFoundException e, String model) {
    FileNotFoundException hinted =
        new FileNotFoundException(e.getMessage() + "; tandem pull " + model + " downloads it");
    hinted.initCause(e);
    return hinted;
  }
}
