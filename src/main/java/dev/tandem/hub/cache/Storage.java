package dev.tandem.hub.cache;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.regex.Pattern;

/** Creates and deletes directories below the cache. None of them may be a symbolic link. */
public final class Storage {
  private Storage() {}

  /** The root directory, created if it is missing. Its own path may lead through symbolic links. */
  static Path root(Path directory) throws HubException {
    try {
      Files.createDirectories(directory);
      return directory.toRealPath();
    } catch (IOException e) {
      throw unwritable(directory, e);
    }
  }

  /**
   * A directory below a real one, created if it is missing.
   *
   * @throws HubException if a part of the path is a symbolic link, or not a directory
   */
  public static Path directory(Path real, String... names) throws HubException {
    Path at = real;
    for (String name : names) {
      at = at.resolve(name);
      try {
        Files.createDirectory(at);
      } catch (FileAlreadyExistsException e) {
        if (!Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
          throw new HubException(at + " must be a directory, not a symbolic link; move it away");
        }
      } catch (IOException e) {
        throw unwritable(at, e);
      }
    }
    return at;
  }

  /** Deletes a directory with its content; symbolic links are deleted, not followed. */
  public static void deleteTree(Path directory) throws HubException {
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException e)
                throws IOException {
              if (e != null) {
                throw e;
              }
              Files.delete(visited);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (NoSuchFileException e) {
      // it did not exist
    } catch (IOException e) {
      throw unwritable(directory, e);
    }
  }

  /**
   * Checks that the disk has room.
   *
   * @param bytes the bytes that will still be written below a directory
   * @throws HubException if the bytes do not fit
   */
  public static void requireSpace(Path directory, long bytes) throws HubException {
    long usable = usable(directory);
    if (bytes > usable) {
      throw new HubException(
          "the disk of "
              + directory
              + " is too full: "
              + shown(bytes)
              + " are needed, "
              + shown(usable)
              + " are free; make room, or set TANDEM_CACHE to a directory on another disk");
    }
  }

  private static long usable(Path directory) {
    try {
      return Files.getFileStore(directory).getUsableSpace();
    } catch (IOException e) {
      return Long.MAX_VALUE; // unknown: the write itself will fail
    }
  }

  /** The error for a failed write. Usually the disk is full, or not writable for this user. */
  public static HubException unwritable(Path path, IOException e) {
    if (e instanceof HubException known) {
      return known;
    }
    Path existing = path;
    while (existing.getParent() != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    String reason = HubException.reason(e);
    return new HubException(
        "cannot write "
            + path
            + " ("
            + e.getClass().getSimpleName().replace("Exception", "").replaceFirst("^IO$", "error")
            + ": "
            + reason.replaceFirst("^" + Pattern.quote(path.toString()) + ":? ?", "")
            + "; "
            + shown(usable(existing))
            + " free there); the downloaded parts are kept: make room, or set TANDEM_CACHE, and the"
            + " same command continues",
        e);
  }

  /** A number of bytes for people. */
  static String shown(long bytes) {
    String[] units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0
        ? bytes + " B"
        : String.format(Locale.ROOT, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  }
}
