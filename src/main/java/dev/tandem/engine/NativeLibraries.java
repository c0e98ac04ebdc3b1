package dev.tandem.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/** Finds, extracts and loads the native libraries that travel inside the jar. */
final class NativeLibraries {
  private static final String CACHE_PROPERTY = "org.bytedeco.javacpp.cachedir";

  private NativeLibraries() {}

  /**
   * Loads the bindings and the core. OpenBLAS is only put beside them: the core loads it itself,
   * at first need and after it has chosen which of OpenBLAS's kernels this processor shall use.
   *
   * @throws UnsatisfiedLinkError if this platform's libraries are not in the jar
   */
  static void load() {
    if (System.getProperty(CACHE_PROPERTY) == null) {
      System.setProperty(CACHE_PROPERTY, cacheFolder().toString());
    }
    String folder = "/dev/tandem/engine/" + Loader.getPlatform() + "/";
    try {
      Loader.cacheResources(TandemApi.class, folder);
    } catch (IOException e) {
      throw new UncheckedIOException("could not unpack the native libraries: " + e.getMessage(), e);
    }
    Loader.load(TandemApi.class);
  }

  /** JavaCPP's own cache where the home can be written, else a private temporary folder. */
  private static Path cacheFolder() {
    Path cache = Path.of(System.getProperty("user.home", ""), ".javacpp", "cache");
    try {
      Files.createDirectories(cache);
      if (Files.isWritable(cache)) {
        return cache;
      }
    } catch (IOException e) {
      // A read-only home is not a failure: the temporary folder below serves as well.
    }
    try {
      Path folder = Files.createTempDirectory("tandem-natives-");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteRecursively(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "no folder for the native libraries can be written; set -D" + CACHE_PROPERTY, e);
    }
  }

  private static void deleteRecursively(Path folder) {
    try (var files = Files.walk(folder)) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    } catch (IOException | UncheckedIOException e) {
      // The process is ending and the folder is temporary: leaving it behind is all that is left.
      return;
    }
  }
}
