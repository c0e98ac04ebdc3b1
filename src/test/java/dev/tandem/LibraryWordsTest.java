package dev.tandem;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/**
 * The library does not speak command line: no string in the sources below {@code dev.tandem.cli}
 * names an option or a command of {@code tandem}. A program that embeds the library has neither;
 * what would mend a fault is a {@link dev.tandem.settings.Remedy}. Options of other programs are
 * not ours, so strings may name them.
 */
class LibraryWordsTest {
  private static final Path MAIN = Path.of("src/main");
  private static final Path COMMAND_LINE = MAIN.resolve("java/dev/tandem/cli");

  /** Comments, text blocks, strings and characters of Java and C++; the groups are strings. */
  private static final Pattern TOKENS =
      Pattern.compile(
          "//[^\n]*|/\\*(?s:.*?)\\*/|\"\"\"((?s:.*?))\"\"\"|\"((?:\\\\.|[^\"\\\\\n])*+)\""
              + "|'(?:\\\\[^'\n]+|\\\\'|[^'\\\\\n])'");

  /** What stands between pieces of one text. */
  private static final Pattern JOINT = Pattern.compile("[\\s+]*");

  private static final Pattern ESCAPE = Pattern.compile("\\\\.");

  /** Options of all commands, and those that are put together of two dashes and a name. */
  private static Pattern banned() {
    Set<String> options = new TreeSet<>();
    CommandLine tandem = new CommandLine(new Main());
    collect(tandem, options);
    assertThat(options).contains("--config", "--tokenizer", "--file", "--format", "--reproducible");
    Set<String> commands = tandem.getSubcommands().keySet();
    assertThat(commands).contains("generate", "pull", "server");
    return Pattern.compile(
        "(?<![\\w-])(?:%s)(?![\\w-])|(?<![\\w-])--$|\\btandem (?:%s)\\b"
            .formatted(String.join("|", options), String.join("|", commands)));
  }

  private static void collect(CommandLine command, Set<String> options) {
    command.getCommandSpec().options().stream()
        .flatMap(option -> Stream.of(option.names()))
        .filter(name -> name.startsWith("--"))
        .forEach(options::add);
    command.getSubcommands().values().forEach(inner -> collect(inner, options));
  }

  @Test
  void libraryNamesNoOption() throws IOException {
    List<Path> sources;
    try (Stream<Path> files = Files.walk(MAIN)) {
      sources =
          files
              .filter(file -> file.toString().matches(".*\\.(?:java|h|cpp)"))
              .filter(file -> !file.startsWith(COMMAND_LINE))
              .toList();
    }
    assertThat(sources).hasSizeGreaterThan(300);
    Pattern banned = banned();
    List<String> findings = new ArrayList<>();
    int strings = 0;
    for (Path source : sources) {
      List<Text> texts = texts(Files.readString(source));
      strings += texts.size();
      findings(texts, banned).forEach(finding -> findings.add(source + ":" + finding));
    }
    assertThat(strings).isGreaterThan(1000);
    assertThat(findings).isEmpty();
  }

  /** Each way to write an option is found, and nothing else. */
  @Test
  void optionsAreFound() {
    String source =
        """
        String a = "set --con" // halves of a word
            + "fig n_head=NUMBER";
        String b = "use llama-gguf-split --merge, --configuration or gguf--config";
        // "--config" is a comment here, and so is /* "--config" */
        String c = ""\"
            start both ends with
            --reproducible
            ""\";
        String d = "--" + name;
        String e = "tandem pull gpt2 downloads it";
        char f = '"'; char g = '\\''; String h = "the first line\\n--file FILE";
        String i = "an \\"--option\\" -- as others write it; the tandem inspects nothing";
        const char* j = "use (--kv-type)";
        """;
    assertThat(findings(texts(source), banned()))
        .containsExactly(
            "1: --config",
            "5: --reproducible",
            "9: --",
            "10: tandem pull",
            "11: --file",
            "13: --kv-type");
  }

  /** A string with all pieces that are added to it directly. */
  private record Text(int line, String value) {}

  private static List<Text> texts(String source) {
    List<Text> texts = new ArrayList<>();
    Matcher token = TOKENS.matcher(source);
    StringBuilder text = new StringBuilder();
    StringBuilder between = new StringBuilder();
    int begin = -1;
    int read = 0;
    while (token.find()) {
      between.append(source.substring(read, token.start()));
      read = token.end();
      String piece = token.group(1) == null ? token.group(2) : token.group(1);
      if (piece == null) {
        between.append(token.group().startsWith("'") ? "'" : " ");
        continue;
      }
      if (begin >= 0 && !JOINT.matcher(between).matches()) {
        texts.add(new Text(line(source, begin), text.toString()));
        begin = -1;
      }
      if (begin < 0) {
        begin = token.start();
        text.setLength(0);
      }
      between.setLength(0);
      text.append(ESCAPE.matcher(piece).replaceAll(" "));
    }
    if (begin >= 0) {
      texts.add(new Text(line(source, begin), text.toString()));
    }
    return texts;
  }

  private static int line(String source, int at) {
    return (int) source.substring(0, at).lines().count()
        + (at == 0 || source.charAt(at - 1) == '\n' ? 1 : 0);
  }

  private static List<String> findings(List<Text> texts, Pattern banned) {
    return texts.stream()
        .flatMap(
            text ->
                banned
                    .matcher(text.value())
                    .results()
                    .map(MatchResult::group)
                    .map(found -> text.line() + ": " + found))
        .collect(Collectors.toList());
  }
}
