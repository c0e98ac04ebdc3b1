package dev.tandem.settings;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/** The directory of pulled models. */
public final class ModelCache {
  private ModelCache() {}

  /**
   * The directory of a user: {@code TANDEM_CACHE}, else {@code tandem} below {@code XDG_CACHE_HOME}
   * or {@code ~/.cache}.
   *
   * @param environment variables and their values
   * @param home the home directory
   * @throws InvalidSettingException if that cannot be a path
   */
  public static Path directory(Map<String, String> environment, String home) {
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
}
