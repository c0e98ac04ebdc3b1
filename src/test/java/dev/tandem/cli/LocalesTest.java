package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Files, results and messages are the same in every locale: in those whose digits are not 0 to 9,
 * in those that write a comma for the point, and in those with an i of their own.
 */
@Tag("slow")
class LocalesTest {
  private static final Path GOLDENS = Path.of("src/test/resources/goldens/pytorch");

  @TempDir private static Path folder;

  private static Map<String, Object> expected = Map.of();

  @BeforeAll
  static void observeRoot() throws IOException {
    expected = observe(Locale.ROOT, folder.resolve("root"));
  }

  static Stream<Locale> withOtherDigits() {
    return Stream.of("fa-IR", "ar-EG", "mr-IN", "ne-NP", "bn-IN").map(Locale::forLanguageTag);
  }

  static Stream<Locale> all() {
    return Stream.concat(
        withOtherDigits(), Stream.of("de-DE", "tr-TR", "az-AZ").map(Locale::forLanguageTag));
  }

  /** The premise of this test. */
  @ParameterizedTest
  @MethodSource("withOtherDigits")
  void theLocaleHasDigitsOfItsOwn(Locale locale) {
    assertThat(String.format(locale, "%d", 1234567890)).isNotEqualTo("1234567890");
  }

  @ParameterizedTest
  @MethodSource("all")
  void everythingIsAsInAnyLocale(Locale locale) throws IOException {
    Map<String, Object> got = observe(locale, folder.resolve(locale.toString()));
    assertThat(got.keySet()).isEqualTo(expected.keySet());
    expected.forEach((what, value) -> assertThat(got.get(what)).as(what).isEqualTo(value));
  }

  /** The comparison itself: it sees one byte. */
  @Test
  void differencesAreSeen() {
    Map<String, Object> files = new TreeMap<>(Map.of("a", ByteBuffer.wrap(new byte[] {1, 2})));
    assertThat(files).isNotEqualTo(Map.of("a", ByteBuffer.wrap(new byte[] {1, 3})));
    assertThat(expected)
        .hasSizeGreaterThan(20)
        .containsKeys("npy/wte.npy", "inspect module.pt", "generate --help")
        .hasEntrySatisfying(
            "inspect model",
            shown -> assertThat(shown).asString().contains("assumed 3 heads of 64"));
  }

  private static Map<String, Object> observe(Locale locale, Path out) throws IOException {
    Files.createDirectories(out);
    Map<String, Object> seen = new LinkedHashMap<>();
    for (String format : List.of("npy", "gguf", "hf")) {
      Path target = out.resolve(format);
      record(
          seen, out, locale, "convert", "gpt2-shakespeare", target.toString(), "--format", format);
      contents(seen, format, target);
    }
    for (Path file : torchFiles()) {
      record(seen, out, locale, "inspect", file.toString());
      record(seen, out, locale, "inspect", file.toString(), "--config", "n_head=2");
    }
    String model = withoutConfig(out).toString();
    record(seen, out, locale, "inspect", model);
    record(seen, out, locale, "inspect", "stories260K");
    record(seen, out, locale, "tokenize", "INITIAL 1234567");
    record(seen, out, locale, "generate", "--json", "-n", "lots");
    record(seen, out, locale, "generate", "--top-p", "1234.5");
    record(seen, out, locale, "generate", "--ids", "99999");
    record(seen, out, locale, "generate", "--rng", "INITIAL");
    record(seen, out, locale, "client", "-o", "99999");
    record(
        seen,
        out,
        locale,
        "split",
        "gpt2-shakespeare",
        "--at",
        "12",
        "--client",
        "a",
        "--server",
        "b");
    record(seen, out, locale, "generate", "--help");
    return seen;
  }

  private static List<Path> torchFiles() throws IOException {
    try (Stream<Path> files = Files.list(GOLDENS)) {
      return files.filter(file -> file.toString().endsWith(".pt")).sorted().toList();
    }
  }

  /** The built-in GPT-2 without what says how many heads it has. */
  private static Path withoutConfig(Path out) throws IOException {
    Path model = Files.createDirectories(out.resolve("model"));
    for (String file : List.of("model.safetensors", "vocab.json", "merges.txt")) {
      Files.copy(Path.of("weights/gpt2-shakespeare", file), model.resolve(file));
    }
    return model;
  }

  private static void record(Map<String, Object> seen, Path out, Locale locale, String... args) {
    CommandRun run = in(locale, () -> tandem(args));
    List<String> words = new ArrayList<>(List.of(args));
    words.replaceAll(word -> word.contains("/") ? Path.of(word).getFileName().toString() : word);
    String shown = run.toString().replace(out.toString(), "OUT");
    assertThat(seen.put(String.join(" ", words), shown)).isNull();
  }

  private static void contents(Map<String, Object> seen, String name, Path written)
      throws IOException {
    try (Stream<Path> files = Files.walk(written)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        String below = Files.isDirectory(written) ? "/" + written.relativize(file) : "";
        seen.put(name + below, ByteBuffer.wrap(Files.readAllBytes(file)));
      }
    }
  }

  private interface Command {
    CommandRun run();
  }

  private static CommandRun in(Locale locale, Command command) {
    Locale before = Locale.getDefault();
    Locale.setDefault(locale);
    try {
      return command.run();
    } finally {
      Locale.setDefault(before);
    }
  }
}
