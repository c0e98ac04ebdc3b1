package dev.tandem.hub.cache;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Checks the names of files that a hub lists; they are not trusted. Only the last part of a path
 * becomes a file's name here, and it must mean the same thing on every system.
 */
public final class FileNames {
  private static final int MAX_BYTES = 200; // systems allow 255; we append suffixes

  /** Windows reads these names as devices, whatever follows the first dot. */
  private static final Pattern DEVICE =
      Pattern.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?");

  private FileNames() {}

  /** Refuses paths that no repository can hold: such a listing is an attack. */
  public static boolean isHostile(String path) {
    if (path.isEmpty() || path.startsWith("/") || path.startsWith("\\")) {
      return true;
    }
    if (path.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
      return true;
    }
    for (String part : path.split("[/\\\\]", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        return true;
      }
    }
    return false;
  }

  /** Why a path cannot be a local file; empty if it can. */
  public static Optional<String> problem(String path) {
    if (isHostile(path)) {
      return Optional.of("it would lie outside of the model's directory");
    }
    String name = last(path);
    if (path.contains("\\") || name.chars().anyMatch(c -> "<>:\"|?*".indexOf(c) >= 0)) {
      return Optional.of("one of its characters has a special meaning on some systems");
    }
    if (name.startsWith(".") || name.endsWith(".") || name.endsWith(" ")) {
      return Optional.of(
          "a name must not begin with a dot, and must not end with a dot or a blank");
    }
    if (DEVICE.matcher(name.toLowerCase(Locale.ROOT)).matches()) {
      return Optional.of("it is the name of a device");
    }
    if (name.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) {
      return Optional.of("it is too long");
    }
    return Optional.empty();
  }

  /** The name without folders. */
  public static String last(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
