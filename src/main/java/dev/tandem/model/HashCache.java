package dev.tandem.model;

import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Remembers tensors' digests by their files' path, size and modification time, one small text file
 * per model. A file that cannot be read or written counts as absent.
 */
public final class HashCache {
  private static final String VERSION = "tandem-tensor-digests 2\n";

  /** A file that changed within this time may change again without a new modification time. */
  private static final Duration SETTLED = Duration.ofSeconds(2);

  private final Path directory;

  /**
   * A cache in a directory.
   *
   * @param directory created when it is first needed
   */
  HashCache(Path directory) {
    this.directory = directory;
  }

  /**
   * The user's cache: {@code TANDEM_CACHE}, otherwise below {@code XDG_CACHE_HOME} or {@code
   * ~/.cache}.
   */
  static Optional<HashCache> ofUser(Map<String, String> environment, String home) {
    try {
      Path own = Path.of(environment.getOrDefault("TANDEM_CACHE", ""));
      if (own.toString().isEmpty()) {
        Path xdg = Path.of(environment.getOrDefault("XDG_CACHE_HOME", ""));
        own = (xdg.isAbsolute() ? xdg : Path.of(home, ".cache")).resolve("tandem");
      }
      return Optional.of(new HashCache(own.resolve("digests")));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** The known digests of some tensors, by {@link #key}. */
  Map<String, String> load(Collection<Tensor> tensors) {
    Map<String, String> digests = new HashMap<>();
    try {
      String content = Files.readString(file(files(tensors)));
      int body = content.length() - 2 * 32 - 1; // the last line is the digest of all lines above
      if (body < VERSION.length()
          || !content.startsWith(VERSION)
          || !content.endsWith(TensorDigest.ofText(content.substring(0, body)) + "\n")) {
        return Map.of();
      }
      content
          .substring(VERSION.length(), body)
          .lines()
          .map(line -> line.split("\t", -1))
          .filter(fields -> fields.length == 2)
          .forEach(fields -> digests.put(fields[0], fields[1]));
    } catch (IOException | SecurityException | InvalidPathException e) {
      return Map.of();
    }
    return digests;
  }

  /**
   * Stores the digests of some tensors, unless their files have changed, or may still change
   * unnoticed.
   */
  void store(Collection<Tensor> tensors, Map<String, String> digests) {
    Set<TensorFile> files = files(tensors);
    Set<String> kept =
        tensors.stream()
            .filter(tensor -> tensor.data() instanceof FileRegion)
            .map(HashCache::key)
            .collect(Collectors.toSet());
    StringBuilder content = new StringBuilder(VERSION);
    Map<String, String> sorted = new TreeMap<>(digests);
    sorted.keySet().retainAll(kept);
    sorted.forEach((key, digest) -> content.append(key).append('\t').append(digest).append('\n'));
    content.append(TensorDigest.ofText(content.toString())).append('\n');
    try {
      for (TensorFile file : files) {
        FileTime modified = Files.getLastModifiedTime(file.path());
        if (Files.size(file.path()) != file.bytes()
            || !modified.equals(file.modified())
            || modified.toInstant().isAfter(Instant.now().minus(SETTLED))) {
          return;
        }
      }
      Files.createDirectories(directory);
      Path temporary = Files.createTempFile(directory, "digests", ".tmp");
      try {
        Files.writeString(temporary, content);
        Files.move(temporary, file(files), StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException | SecurityException | UnsupportedOperationException e) {
      // the next run computes them again
    }
  }

  /**
   * Everything that a digest depends on besides the content of the files. Derived data has no
   * offset in a file, and its digest is not stored.
   */
  static String key(Tensor tensor) {
    long offset = tensor.data() instanceof FileRegion region ? region.offset() : 0;
    return String.join(
        " ",
        tensor.name(),
        tensor.dtype().name(),
        Long.toString(tensor.rows()),
        Long.toString(tensor.cols()),
        tensor.transposed() ? "transposed" : "in-order",
        Long.toString(offset));
  }

  /** The files that tensors lie in; empty for memory. */
  public static Set<TensorFile> files(Collection<Tensor> tensors) {
    Set<TensorFile> files = new LinkedHashSet<>();
    for (Tensor tensor : tensors) {
      if (tensor.data() instanceof FileRegion region) {
        files.add(region.source());
      }
    }
    return files;
  }

  private Path file(Set<TensorFile> files) {
    StringBuilder key = new StringBuilder();
    for (TensorFile file : files) {
      key.append(file.path()).append('\n').append(file.bytes()).append('\n');
      key.append(file.modified()).append('\n');
    }
    return directory.resolve(TensorDigest.ofText(key.toString()) + ".txt");
  }
}
