package dev.tandem.settings;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which model, and what is said about it beside its files.
 *
 * @param name the path of a file or directory, or the name of an embedded or a pulled model; empty
 *     for the server's
 * @param tokenizer tokenizer files in place of the model's own
 * @param config each one the path of a JSON file in place of the {@code config.json} beside the
 *     model, or {@code KEY=VALUE} to add to it or to replace what it says
 * @param cache the directory of pulled models; empty for the user's own
 * @param type what the matrices are converted to when the model is loaded; empty for their own
 *     types
 */
public record ModelSource(
    String name,
    Optional<Path> tokenizer,
    List<String> config,
    Optional<Path> cache,
    Optional<WeightType> type) {

  /** The model that is used when none is named: an embedded one. */
  public static final String DEFAULT = "gpt2-shakespeare";

  /** Copies the list. */
  public ModelSource {
    config = List.copyOf(config);
  }

  /**
   * The directory of a user's pulled models: {@code TANDEM_CACHE}, else {@code tandem} below {@code
   * XDG_CACHE_HOME} or {@code ~/.cache}.
   *
   * @param environment variables and their values
   * @param home the home directory
   * @throws InvalidSettingException if that cannot be a path
   */
  public static Path userCache(Map<String, String> environment, String home) {
    String own = environment.getOrDefault("TANDEM_CACHE", "");
    String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    try {
      if (!own.isEmpty()) {
        return Path.of(own);
      }
      boolean isSet = !xdg.isEmpty() && Path.of(xdg).isAbsolute(); // as XDG's specification says
      return (isSet ? Path.of(xdg) : Path.of(home, ".cache")).resolve("tandem");
    } catch (InvalidPathException e) {
      throw new InvalidSettingException(
          "cache", "(TANDEM_CACHE, XDG_CACHE_HOME or the home directory) must be a path", own);
    }
  }

  /** The model of the server, of which a client has no files. */
  public static ModelSource ofServer() {
    return of("");
  }

  /** Whether it is {@link #ofServer}. */
  public boolean isOfServer() {
    return name.isEmpty();
  }

  /** A model as its files describe it. */
  public static ModelSource of(String name) {
    return new ModelSource(name, Optional.empty(), List.of(), Optional.empty(), Optional.empty());
  }

  /** The same with another tokenizer. */
  public ModelSource withTokenizer(Path files) {
    return new ModelSource(name, Optional.of(files), config, cache, type);
  }

  /** The same with one more file or {@code KEY=VALUE}; see {@link #config}. */
  public ModelSource withConfig(String entry) {
    List<String> more = new ArrayList<>(config);
    more.add(entry);
    return new ModelSource(name, tokenizer, more, cache, type);
  }

  /** The same with another directory of pulled models. */
  public ModelSource withCache(Path directory) {
    return new ModelSource(name, tokenizer, config, Optional.of(directory), type);
  }

  /** The same converted when it is loaded. */
  public ModelSource withType(WeightType value) {
    return new ModelSource(name, tokenizer, config, cache, Optional.of(value));
  }
}
