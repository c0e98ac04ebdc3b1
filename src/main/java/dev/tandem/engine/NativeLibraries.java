package dev.tandem.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Loader;

/** Finds, extracts and loads the native libraries inside the jar. */
final class NativeLibraries {
  private static final String CACHE_PROPERTY = "org.bytedeco.javacpp.cachedir";

  /** Written by the build: a key of the libraries' contents, then their names. */
  private static final String INDEX = "libraries.txt";

  private NativeLibraries() {}

  /**
   * Loads the bindings and the core. OpenBLAS is only unpacked beside them. The core loads it
   * itself when it is first needed, after it has chosen OpenBLAS's kernels for this processor.
   *
   * @throws UnsatisfiedLinkError if this platform's libraries are not in the jar, or cannot be run
   *     from where they are put
   */
  static void load() {
    String folder = "/dev/tandem/engine/" + Loader.getPlatform() + "/";
    URL index = TandemApi.class.getResource(folder + INDEX);
    if (index == null) {
      throw new UnsatisfiedLinkError("no native libraries for " + Loader.getPlatform());
    }
    String base = System.getProperty(CACHE_PROPERTY);
    Path cache = base == null ? cacheFolder() : Path.of(base);
    boolean unpacked = index.getProtocol().equals("jar");
    try {
      List<String> lines = lines(index);
      // JavaCPP accepts an extracted file if its size and time equal those in the jar, where all
      // times are equal. A folder named by the contents makes this check correct.
      System.setProperty(CACHE_PROPERTY, cache.resolve("tandem-" + lines.get(0)).toString());
      if (unpacked) {
        for (String library : lines.subList(1, lines.size())) {
          Loader.cacheResource(TandemApi.class, folder + library);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("could not unpack the native libraries: " + e.getMessage(), e);
    }
    try {
      Loader.load(TandemApi.class);
    } catch (UnsatisfiedLinkError e) {
      if (unpacked && Mounts.isNoExec(cache)) {
        throw noExec(cache, e);
      }
      throw e;
    }
  }

  private static UnsatisfiedLinkError noExec(Path cache, UnsatisfiedLinkError e) {
    UnsatisfiedLinkError error =
        new UnsatisfiedLinkError(
            cache
                + " is mounted noexec, so that libraries in it cannot be run; name another folder"
                + " with java -D"
                + CACHE_PROPERTY
                + "=FOLDER");
    error.addSuppressed(e);
    return error;
  }

  private static List<String> lines(URL text) throws IOException {
    try (InputStream in = text.openStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  /** JavaCPP's own cache where the home allows it, else a private temporary folder. */
  private static Path cacheFolder() {
    Path cache = Path.of(System.getProperty("user.home", ""), ".javacpp", "cache");
    try {
      Files.createDirectories(cache);
      if (Files.isWritable(cache) && !Mounts.isNoExec(cache)) {
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
          "no folder for the native libraries is writable; set -D" + CACHE_PROPERTY, e);
    }
  }

  private static void deleteRecursively(Path folder) {
    try (var files = Files.walk(folder)) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    } catch (IOException | UncheckedIOException e) {
      // The process is ending and the folder is temporary: it can only stay behind.
      return;
    }
  }
}
