package dev.tandem.convert;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A file or directory that appears under its name only when it is complete. Until then it lies
 * beside its place, under a name with this process's id. The next process that writes to the same
 * place removes the files of processes that have ended.
 */
final class AtomicOutput implements AutoCloseable {
  private static final Pattern TEMPORARY =
      Pattern.compile("\\.(.+)\\.tandem-([0-9]+)-[0-9a-f]+(-old)?");

  private static final String SET_ASIDE = "-old";

  /** The files of models in directories. */
  private static final Pattern OF_MODELS =
      Pattern.compile(
          "(generation_)?config\\.json|vocab\\.(json|bin)|merges\\.txt|tokenizer.*|special_.*\\.json"
              + "|.*\\.safetensors(\\.index\\.json)?|model\\.bin|w[tp]e\\.npy");

  private final Path out;
  private final boolean overwrite;
  private final Path directory;
  private final Path temporary;

  private AtomicOutput(Path out, boolean overwrite, Path directory, Path temporary) {
    this.out = out;
    this.overwrite = overwrite;
    this.directory = directory;
    this.temporary = temporary;
  }

  /**
   * Prepares to write, but writes nothing yet.
   *
   * @param overwrite whether an existing output may be replaced
   * @throws FileAlreadyExistsException if an existing output may not be replaced
   * @throws IOException if the directory does not exist, or cannot be read
   */
  static AtomicOutput of(Path out, boolean overwrite) throws IOException {
    Path absolute = out.toAbsolutePath().normalize();
    Path directory = Objects.requireNonNullElse(absolute.getParent(), absolute);
    String name = Objects.toString(absolute.getFileName(), "");
    if (name.isEmpty() || !Files.isDirectory(directory)) {
      throw new FileNotFoundException(directory + ": no such directory; make it first");
    }
    removeStale(directory, name);
    String unique =
        ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime() & 0xffff_ffffL);
    AtomicOutput output =
        new AtomicOutput(
            absolute, overwrite, directory, directory.resolve("." + name + ".tandem-" + unique));
    output.checkFree();
    return output;
  }

  /** The temporary path to write to; it does not exist yet. */
  Path temporary() {
    return temporary;
  }

  /** The disk of the output. */
  FileStore store() throws IOException {
    return Files.getFileStore(directory);
  }

  /**
   * Checks that an existing output may be replaced: the user asked for it, and it holds only a
   * model.
   */
  private void checkFree() throws IOException {
    if (!Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!overwrite) {
      throw new FileAlreadyExistsException(out.toString());
    }
    if (Files.isDirectory(out)) {
      checkReplaceable();
    } else if (!Files.isRegularFile(out)) {
      throw new IOException(out + " is not a file and is not replaced; choose another name");
    }
  }

  private void checkReplaceable() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(out)) {
      for (Path entry : entries) {
        String name = Objects.toString(entry.getFileName(), "");
        if (Files.isDirectory(entry) || !OF_MODELS.matcher(name).matches()) {
          throw new IOException(
              out + " holds other files (" + name + ") and is not replaced; remove it first");
        }
      }
    }
  }

  /** Moves the written output to its place; afterwards {@link #close} has nothing to do. */
  void commit() throws IOException {
    checkFree();
    if (Files.exists(out) && Files.isDirectory(out) != Files.isDirectory(temporary)) {
      throw new IOException(
          out
              + (Files.isDirectory(out) ? " is a directory" : " is a file")
              + " and is not replaced by the other; remove it first");
    }
    if (Files.isDirectory(out) || Files.isDirectory(temporary)) {
      replaceDirectory();
    } else {
      Files.move(temporary, out, StandardCopyOption.ATOMIC_MOVE);
    }
    syncDirectory();
  }

  /** A directory cannot be replaced in one step: the old one is first moved away. */
  private void replaceDirectory() throws IOException {
    Path old = directory.resolve(temporary.getFileName() + SET_ASIDE);
    boolean exists = Files.exists(out);
    if (exists) {
      Files.move(out, old, StandardCopyOption.ATOMIC_MOVE);
    }
    try {
      Files.move(temporary, out, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      if (exists) {
        Files.move(old, out, StandardCopyOption.ATOMIC_MOVE);
      }
      throw e;
    }
    if (exists) {
      delete(old);
    }
  }

  /** Makes the new name survive a loss of power; not every system can open a directory. */
  private void syncDirectory() {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      return; // the file itself has been synced
    }
  }

  private static void removeStale(Path directory, String name) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        Matcher matcher = TEMPORARY.matcher(Objects.toString(entry.getFileName(), ""));
        if (matcher.matches() && matcher.group(1).equals(name) && !isAlive(matcher.group(2))) {
          removeOrRestore(entry, directory.resolve(name));
        }
      }
    }
  }

  /**
   * An output that a killed process had moved away is the only copy if no new one is in its place.
   */
  private static void removeOrRestore(Path left, Path out) throws IOException {
    if (left.toString().endsWith(SET_ASIDE) && !Files.exists(out)) {
      Files.move(left, out, StandardCopyOption.ATOMIC_MOVE);
    } else {
      delete(left);
    }
  }

  private static boolean isAlive(String pid) {
    try {
      return ProcessHandle.of(Long.parseLong(pid)).isPresent();
    } catch (NumberFormatException e) {
      return true; // not a temporary name of ours
    }
  }

  private static void delete(Path path) throws IOException {
    List<Path> deepestFirst;
    try (Stream<Path> below = Files.walk(path)) {
      deepestFirst = below.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path entry : deepestFirst) {
      Files.deleteIfExists(entry);
    }
  }

  /** Removes an output that was not moved to its place. */
  @Override
  public void close() throws IOException {
    if (Files.exists(temporary)) {
      delete(temporary);
    }
  }
}
