package dev.tandem.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the system allows in a folder. Only Linux says so. */
final class Mounts {
  private static final Path TABLE = Path.of("/proc/self/mountinfo");

  private Mounts() {}

  /** Whether a folder is on a file system that is mounted noexec, so that no library can be run. */
  static boolean isNoExec(Path folder) {
    if (!Files.isReadable(TABLE)) {
      return false;
    }
    try {
      Path real = folder;
      while (!Files.exists(real) && real.getParent() != null) {
        real = real.getParent();
      }
      return isNoExec(real.toRealPath(), Files.readAllLines(TABLE));
    } catch (IOException e) {
      return false; // unknown: treat it as usable
    }
  }

  /**
   * The same by the lines of a table: number, parent, device, root, mount point, options, ...
   *
   * @param folder absolute and without links
   */
  static boolean isNoExec(Path folder, List<String> table) {
    int deepest = -1;
    boolean noExec = false;
    for (String line : table) {
      String[] fields = line.split(" ", -1);
      if (fields.length < 6) {
        continue;
      }
      Path point = Path.of(unescaped(fields[4]));
      if (folder.startsWith(point) && point.getNameCount() >= deepest) { // the last one is on top
        deepest = point.getNameCount();
        noExec = List.of(fields[5].split(",")).contains("noexec");
      }
    }
    return noExec;
  }

  /** Blanks, tabs, line ends and backslashes stand as three octal digits after a backslash. */
  private static String unescaped(String point) {
    return point
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }
}
