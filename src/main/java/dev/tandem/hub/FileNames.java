package dev.tandem.hub;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Names of files that a hub lists, which are not to be trusted. Only the last part of a path
 * becomes a file's name here, and it must mean the same thing on every system.
 */
final class FileNames {
  private static final int MAX_BYTES = 200; // systems allow 255; ours get suffixes

  /** Windows takes these for devices, whatever follows the first dot. */
  private static final Pattern DEVICE =
      Pattern.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?");

  private FileNames() {}

  /** What no repository can hold: such a listing was made to do harm. */
  static boolean isHostile(String path) {
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

  /** Why a path cannot be a file here; empty if it can. */
  static Optional<String> problem(String path) {
    if (isHostile(path)) {
      return Optional.of("it would lie outside of the model's directory");
    }
    String name = last(path);
    if (path.contains("\\") || name.chars().anyMatch(c -> "<>:\"|?*".indexOf(c) >= 0)) {
      return Optional.of("some systems give one of its characters a meaning");
    }
    if (name.startsWith(".") || name.endsWith(".") || name.endsWith(" ")) {
      return Optional.of("a name must not begin with a dot, nor end with one or with a blank");
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
  static String last(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
