package dev.tandem.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The Java installations that the jars are tried with. */
final class JavaHomes {
  private static final Path SYSTEM = Path.of("/usr/lib/jvm");
  private static final Pattern VERSION = Pattern.compile("JAVA_VERSION=\"(\\d+)");
  private static final int OLDEST = 17;

  private JavaHomes() {}

  /** The one that runs this, and the system's others that are new enough; one of each version. */
  static List<Path> all() {
    Path running = real(Path.of(System.getProperty("java.home")));
    try (Stream<Path> installed =
        Files.isDirectory(SYSTEM) ? Files.list(SYSTEM).sorted() : Stream.empty()) {
      return Stream.concat(Stream.of(running), installed.map(JavaHomes::real))
          .filter(home -> Files.isExecutable(program(home)))
          .filter(home -> home.equals(running) || version(home) >= OLDEST)
          .filter(home -> home.equals(running) || version(home) != version(running))
          .distinct()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path running() {
    return all().get(0);
  }

  static Path program(Path home) {
    return home.resolve("bin").resolve("java");
  }

  private static Path real(Path home) {
    try {
      return home.toRealPath();
    } catch (IOException e) {
      return home; // a dangling link has no program either
    }
  }

  private static int version(Path home) {
    try {
      Matcher matcher = VERSION.matcher(Files.readString(home.resolve("release")));
      return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
