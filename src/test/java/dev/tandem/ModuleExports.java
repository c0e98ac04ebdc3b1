package dev.tandem;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The packages that the module exports, as its source says. */
public final class ModuleExports {
  private static final String EXPORTS = "exports ";

  private ModuleExports() {}

  /** Their full names. */
  public static Set<String> packages() {
    Path source = Path.of("src", "main", "java", "module-info.java");
    try (Stream<String> lines = Files.lines(source)) {
      return lines
          .map(String::strip)
          .filter(line -> line.startsWith(EXPORTS))
          .map(line -> line.substring(EXPORTS.length()).replace(";", ""))
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
