package dev.tandem.formats.files;

import dev.tandem.model.ModelFormatException;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A user's statements about a model, for facts that its files lack or state wrongly.
 *
 * @param tokenizer what the model is given in place of its own
 * @param config each one the path of a JSON file to use in place of the {@code config.json} beside
 *     the model, or {@code KEY=VALUE} to add to the config or to replace a value
 */
public record OpenOptions(Optional<GivenTokenizer> tokenizer, List<String> config) {

  /** Opens a tokenizer for a model that it was not made with. */
  @FunctionalInterface
  public interface GivenTokenizer {

    /**
     * The tokenizer, for a model of that many ids.
     *
     * @throws IOException if its files are missing or malformed
     */
    Tokenizer open(int vocabSize) throws IOException;
  }

  /** Hugging Face's config, and Meta's of a Llama. */
  private static final List<String> CONFIGS = List.of("config.json", "params.json");

  private static final int MAX_CONFIG_BYTES = 1 << 20;

  /** Copies the list. */
  public OpenOptions {
    config = List.copyOf(config);
  }

  /** No additions to the files. */
  public static OpenOptions defaults() {
    return new OpenOptions(Optional.empty(), List.of());
  }

  /**
   * The members of the config: those of the last file given, else of the {@code config.json} or
   * {@code params.json} beside the model, else none; then those given one by one.
   *
   * @throws ModelFormatException if a file is not a JSON object
   * @throws IOException if a given file is missing
   */
  public JsonObject configOf(Folder folder) throws IOException {
    return configOf(folder, JsonObject.empty(""));
  }

  /**
   * The same for a model whose own file has a config.
   *
   * @param inside the config in the file; unless it is empty, it takes precedence over the {@code
   *     config.json} beside the model
   */
  public JsonObject configOf(Folder folder, JsonObject inside) throws IOException {
    Optional<Path> file = Optional.empty();
    Map<String, String> pairs = new LinkedHashMap<>();
    for (String entry : config) {
      int equals = entry.indexOf('=');
      if (isPair(entry)) {
        pairs.put(entry.substring(0, equals), entry.substring(equals + 1));
      } else {
        file = Optional.of(Folder.written(entry));
      }
    }
    JsonObject base = file.isPresent() || inside.keys().isEmpty() ? base(folder, file) : inside;
    return base.with(pairs);
  }

  private static JsonObject base(Folder folder, Optional<Path> given) throws IOException {
    if (given.isPresent()) {
      Path path = given.get().toAbsolutePath().normalize();
      Folder parent = new Folder.Directory(Objects.requireNonNullElse(path.getParent(), path));
      String name = Objects.toString(path.getFileName(), "");
      return JsonObject.parse(path.toString(), parent.readAll(name, MAX_CONFIG_BYTES));
    }
    for (String config : CONFIGS) {
      if (folder.contains(config)) {
        return JsonObject.parse(folder.path(config), folder.readAll(config, MAX_CONFIG_BYTES));
      }
    }
    return JsonObject.empty(folder.path(CONFIGS.get(0)));
  }

  /** A file's name may contain an equals sign, too; a key contains neither slash nor dot. */
  private static boolean isPair(String entry) {
    int equals = entry.indexOf('=');
    return equals > 0
        && entry.substring(0, equals).matches("[A-Za-z0-9_]+")
        && !Files.exists(Path.of(entry));
  }
}
