package dev.tandem.files;

import dev.tandem.api.ModelException;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Downloads models from a hub into the directory of pulled models, and lists them. A pulled model
 * is opened by its name. Safe for use by many threads and processes.
 *
 * <pre>{@code
 * Path place = Downloads.ofUser().of("gpt2").run();
 * TextModel model = Tandem.open("gpt2");
 * }</pre>
 */
public final class Downloads {
  private final HubCache cache;
  private final Map<String, String> environment;

  private Downloads(HubCache cache, Map<String, String> environment) {
    this.cache = cache;
    this.environment = Map.copyOf(environment);
  }

  /**
   * A model in the directory of pulled models.
   *
   * @param name the model's name, as a user writes it
   * @param commit the commit of its repository
   * @param bytes the bytes of all its files
   * @param path its directory, or its file if it is a single file
   */
  public record PulledModel(String name, String commit, long bytes, Path path) {

    /** The bytes of all its files, for people, such as {@code 548 MB}. */
    public String size() {
      return HubCache.shown(bytes);
    }
  }

  /**
   * What this process's environment says: {@code HF_ENDPOINT} is the address of the hub, {@code
   * HF_TOKEN} a token for models that are not public, and the directory is {@link
   * dev.tandem.settings.ModelSource#userCache}.
   *
   * @throws ModelException if the directory cannot be a path
   */
  public static Downloads ofUser() {
    return ofUser(System.getenv(), System.getProperty("user.home", ""));
  }

  /**
   * As {@link #ofUser()}, with other variables.
   *
   * @param environment variables and their values
   * @param home the home directory
   */
  public static Downloads ofUser(Map<String, String> environment, String home) {
    try {
      return new Downloads(HubCache.ofUser(environment, home), environment);
    } catch (HubException e) {
      throw new ModelException(e);
    }
  }

  /** The short names of well-known models, in alphabetical order. */
  public static List<String> shortNames() {
    return HubModel.shortNames();
  }

  /**
   * The download of a model; nothing happens before {@link Download#run}.
   *
   * @param name {@code OWNER/REPOSITORY[/FILE][@REVISION]}, or one of {@link #shortNames} and
   *     perhaps {@code @REVISION}
   * @throws IllegalArgumentException if it is neither
   */
  public Download of(String name) {
    return new Download(cache, environment, name);
  }

  /**
   * The pulled models, by name.
   *
   * @throws ModelException if the directory cannot be read
   */
  public List<PulledModel> list() {
    try {
      return cache.list().stream()
          .map(each -> new PulledModel(each.name(), each.commit(), each.bytes(), each.path()))
          .toList();
    } catch (HubException e) {
      throw new ModelException(e);
    }
  }
}
