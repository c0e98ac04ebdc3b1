package dev.tandem;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Plain words: no text of the project contains a phrase of {@code words/banned.txt}, and every
 * class, package, path and link that a page names exists. The glossary heads docs/architecture.md.
 */
class WordsTest {
  private static final Path ROOT = Path.of("").toAbsolutePath();

  /** White space, and the leaders of comments and the joints of strings at the ends of lines. */
  private static final String GAP = "[\\s*/#\"+]+";

  private static final Pattern TEXT =
      Pattern.compile(
          "(?:docs|src|scripts|cmake|weights|examples|\\.ci)/.*"
              + "\\.(?:md|java|h|cpp|cmake|sh|mjs|py|in|xml|yml)"
              + "|(?:scripts|\\.ci)/[^.]*|[^/]*\\.(?:md|xml|json)|NOTICE|(?:.*/)?CMakeLists\\.txt");

  /** Pages about the project as it is; the changelog and the benchmark report are history. */
  private static final Pattern PAGE = Pattern.compile("(?:docs|weights)/.*\\.md|README\\.md");

  private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");
  private static final Pattern TYPE =
      Pattern.compile("(?:[a-z]\\w*\\.)*([A-Z][a-z0-9]+(?:[A-Z]\\w*)+)(?:\\.\\w+)*");
  private static final Pattern PACKAGE = Pattern.compile("dev\\.tandem(?:\\.[a-z]+)+");
  private static final Pattern PATH = Pattern.compile("(?:src|docs|scripts|cmake)/[\\w./-]+");
  private static final Pattern LINK = Pattern.compile("\\]\\((?!\\w+:)([^)#]+)(?:#[^)]*)?\\)");

  /** Names of other programs that look like ours. */
  private static final Set<String> FOREIGN =
      Set.of("OrderedDict", "ParameterName", "StrictMath", "TemplateProcessing");

  /**
   * A phrase that no text may contain.
   *
   * @param phrase in the form of the list
   * @param plain the text to write instead
   * @param except paths that may contain it
   * @param key every match contains it, in lower case; a look for it is fast
   */
  record Banned(String phrase, String plain, Set<String> except, String key, Pattern pattern) {
    private static final Pattern REGEX = Pattern.compile("(\\w+) /(.*)/");

    static Banned parse(String line) {
      String[] parts = line.split(" => | @ ", 3);
      Set<String> except = parts.length < 3 ? Set.of() : Set.of(parts[2].split(" "));
      Matcher regex = REGEX.matcher(parts[0]);
      if (regex.matches()) {
        return new Banned(parts[0], parts[1], except, regex.group(1), compile(regex.group(2)));
      }
      List<String> words = List.of(parts[0].split(" "));
      String quoted = words.stream().map(Pattern::quote).collect(joining(" ", "\\b", "\\b"));
      String longest = Collections.max(words, Comparator.comparing(String::length));
      return new Banned(parts[0], parts[1], except, longest, compile(quoted));
    }

    private static Pattern compile(String regex) {
      return Pattern.compile(regex.replace(" ", GAP), Pattern.CASE_INSENSITIVE | Pattern.MULTILINE);
    }
  }

  private static List<Banned> banned() throws IOException {
    return resource("words/banned.txt")
        .lines()
        .filter(WordsTest::isEntry)
        .map(Banned::parse)
        .toList();
  }

  private static String resource(String name) throws IOException {
    try (var in = WordsTest.class.getClassLoader().getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static boolean isEntry(String line) {
    return !line.isBlank() && !line.startsWith("#");
  }

  @Test
  void textsArePlain() throws IOException {
    List<Path> texts = files(ROOT, TEXT);
    assertThat(texts).hasSizeGreaterThan(500);
    assertThat(findings(ROOT, texts)).isEmpty();
  }

  /**
   * Each phrase is found where it is, also over two lines of a comment and in pieces of a string.
   */
  @Test
  void phrasesAreFound(@TempDir Path folder) throws IOException {
    Path source = folder.resolve("src/Bad.java");
    Files.createDirectories(folder.resolve("src"));
    Files.writeString(
        source,
        """
        // A map that is to be
        // had here; Nobody asked.
        String s = "these rows are " + "wanted";
        /** Of a part without the embedding. */
        // blocks 0:12 and so on
        // nothing is wrong in this line
        """);
    assertThat(findings(folder, files(folder, TEXT)))
        .extracting(finding -> finding.replaceFirst(": .*", ""))
        .contains("src/Bad.java:1", "src/Bad.java:2", "src/Bad.java:3", "src/Bad.java:4")
        .contains("src/Bad.java:5")
        .doesNotContain("src/Bad.java:6");
    for (Banned entry : banned()) {
      if (!entry.phrase().endsWith("/")) {
        assertThat(entry.pattern().matcher("(" + entry.phrase() + ")").find()).isTrue();
        assertThat(entry.pattern().matcher("x" + entry.phrase() + "x").find()).isFalse();
      }
    }
  }

  @Test
  void pagesNameWhatExists() throws IOException {
    List<Path> pages = files(ROOT, PAGE);
    assertThat(pages).hasSizeGreaterThan(10);
    Set<String> names = sourceNames();
    for (Path page : pages) {
      assertThat(missing(page, Files.readString(page), names)).as("%s", page).isEmpty();
    }
  }

  @Test
  void missingNamesAreFound() throws IOException {
    String page =
        """
        `dev.tandem.nowhere` `dev.tandem.stage` `NoSuchClass` `stage.Stage` `WordsTest`
        `src/main/nothing.cpp` `scripts/test` [page](nothing.md) [page](architecture.md#rooms)
        """;
    assertThat(missing(ROOT.resolve("docs/page.md"), page, sourceNames()))
        .containsExactlyInAnyOrder(
            "dev.tandem.nowhere", "NoSuchClass", "src/main/nothing.cpp", "nothing.md");
  }

  private static List<String> findings(Path root, List<Path> texts) throws IOException {
    List<Banned> banned = banned();
    List<String> findings = new ArrayList<>();
    for (Path file : texts) {
      String path = relative(root, file);
      String text = Files.readString(file);
      String lowerCase = text.toLowerCase(Locale.ROOT);
      for (Banned entry : banned) {
        if (lowerCase.contains(entry.key())
            && !entry.except().contains(path)
            && !path.endsWith("/WordsTest.java")) {
          Matcher matcher = entry.pattern().matcher(text);
          while (matcher.find()) {
            long line = 1 + text.chars().limit(matcher.start()).filter(c -> c == '\n').count();
            findings.add(
                "%s:%d: '%s'; write: %s"
                    .formatted(path, line, matcher.group().replaceAll("\\s+", " "), entry.plain()));
          }
        }
      }
    }
    return findings;
  }

  /** What a page names and the tree does not have. */
  private static Set<String> missing(Path page, String text, Set<String> names) {
    Set<String> missing = new TreeSet<>();
    CODE.matcher(text)
        .results()
        .map(code -> code.group(1))
        .forEach(
            code -> {
              Matcher type = TYPE.matcher(code);
              if (PACKAGE.matcher(code).matches()) {
                if (!Files.isDirectory(
                    ROOT.resolve("src/main/java").resolve(code.replace('.', '/')))) {
                  missing.add(code);
                }
              } else if (type.matches()) {
                if (!names.contains(type.group(1)) && !FOREIGN.contains(type.group(1))) {
                  missing.add(code);
                }
              } else if (PATH.matcher(code).matches() && !Files.exists(ROOT.resolve(code))) {
                missing.add(code);
              }
            });
    LINK.matcher(text)
        .results()
        .map(link -> link.group(1))
        .filter(link -> !Files.exists(page.resolveSibling(link)))
        .forEach(missing::add);
    return missing;
  }

  /** Types that sources declare, and all names in CMake files. */
  private static Set<String> sourceNames() throws IOException {
    Pattern declared = Pattern.compile("\\b(?:class|record|interface|enum|struct)\\s+([A-Z]\\w*)");
    Pattern word = Pattern.compile("\\b([A-Z]\\w*)\\b");
    Set<String> names = new TreeSet<>();
    for (Path file :
        files(ROOT, Pattern.compile("src/.*\\.(?:java|h|cmake)|src/.*CMakeLists\\.txt"))) {
      Pattern name = file.toString().matches(".*\\.(?:java|h)") ? declared : word;
      name.matcher(Files.readString(file)).results().forEach(match -> names.add(match.group(1)));
    }
    return names;
  }

  private static List<Path> files(Path root, Pattern paths) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> top = Files.list(root)) {
      for (Path entry : top.filter(WordsTest::isOurs).sorted().toList()) {
        try (Stream<Path> below = Files.walk(entry)) {
          below
              .filter(file -> paths.matcher(relative(root, file)).matches())
              .filter(Files::isRegularFile)
              .forEach(files::add);
        } catch (UncheckedIOException e) {
          throw e.getCause();
        }
      }
    }
    return files;
  }

  /** Neither build outputs nor the history. */
  private static boolean isOurs(Path entry) {
    return !Set.of("target", "build", ".git").contains(String.valueOf(entry.getFileName()));
  }

  private static String relative(Path root, Path file) {
    return root.relativize(file).toString().replace('\\', '/');
  }
}
