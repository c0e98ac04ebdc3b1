package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.cli.terminal.ArgumentFiles;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.EnvironmentDefaults;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What stands after {@code =}, in a file of arguments or in the environment is the value. */
class OptionValuesTest {
  private static final List<String> VALUES =
      List.of("-n", "-Verdict", "-n 5 people", "--", "---", "--help", "--json=1", "-", "@x", "$x");

  @TempDir private Path folder;

  static Stream<String> commands() {
    return new CommandLine(new Main()).getSubcommands().keySet().stream();
  }

  /** Every option of every command that takes a text or a path. */
  @ParameterizedTest
  @MethodSource("commands")
  void anythingCanBeAValue(String command) throws IOException {
    List<OptionSpec> options = textOptions(command);
    for (String value : VALUES) {
      List<String> written = words(options, OptionSpec::longestName, value);
      List<String> abbreviated = words(options, OptionSpec::shortestName, value);
      Path file = Files.write(folder.resolve("arguments"), quoted(written));
      Map<String, String> variables = new HashMap<>();
      options.forEach(option -> variables.put(variable(option), value));
      Map<String, String> expected = new HashMap<>();
      options.forEach(option -> expected.put(option.longestName(), value));
      assertThat(parsed(Map.of(), command, written)).containsAllEntriesOf(expected);
      assertThat(parsed(Map.of(), command, abbreviated)).containsAllEntriesOf(expected);
      assertThat(parsed(Map.of(), command, List.of("@" + file))).containsAllEntriesOf(expected);
      assertThat(parsed(variables, command, List.of())).containsAllEntriesOf(expected);
    }
  }

  private static List<String> words(
      List<OptionSpec> options, Function<OptionSpec, String> name, String value) {
    return options.stream().map(option -> name.apply(option) + "=" + value).toList();
  }

  private static List<String> quoted(List<String> words) {
    return words.stream().map(word -> '"' + word + '"').toList();
  }

  private static String variable(OptionSpec option) {
    return "TANDEM_" + option.longestName().substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
  }

  @Test
  void thereAreSuchOptions() {
    assertThat(textOptions("generate"))
        .extracting(OptionSpec::longestName)
        .contains("--stop", "--prompt", "--ids", "--config", "--model", "--tokenizer");
  }

  /** Variables are those that the environment has, and not what they mention. */
  @Test
  void nothingIsPutInThePlaceOfAVariable() throws IOException {
    for (String value : List.of("${java.version}", "$${x}", "$$", "a$", "${", "%n")) {
      assertThat(parsed(Map.of("TANDEM_PROMPT", value), "generate", List.of()))
          .containsEntry("--prompt", value);
    }
  }

  @Test
  void theValuesAreUsed() {
    assertThat(tandem("generate", "-t", "0", "-n", "2", "--prompt=-n 5 people").result())
        .startsWith("-n 5 people");
    assertThat(tandem(Map.of("TANDEM_PROMPT", "-n"), "generate", "-t", "0", "-n", "2").result())
        .startsWith("-n");
    assertThat(tandem("generate", "-n", "0", "--input_prompt=--steps=3").result())
        .startsWith("--steps=3");
    assertThat(tandem("generate", "-n", "0", "--", "--steps=3").result()).startsWith("--steps=3");
  }

  /** A word of its own that is an option is none, so that a forgotten value is noticed. */
  @ParameterizedTest
  @ValueSource(strings = {"-n", "--json", "--max-tokens=4", "-n5", "--", "--steps", "--help"})
  void aForgottenValueIsNoticed(String next) {
    tandem("generate", "--stop", next)
        .assertFails(Cli.USAGE, "--stop needs a value", next + " follows", "write --stop=" + next);
  }

  @Test
  void filesOfArguments() throws IOException {
    Path inner = Files.writeString(folder.resolve("inner"), "--top-k 5");
    Path file =
        Files.writeString(
            folder.resolve("outer"),
            "\uFEFF# a comment with \"quotes\n"
                + "--prompt=\"-n 5 pe\u00f6ple\" \t-n 1 # and 'another\n\n"
                + "--stop=# '--stop=\"'\n"
                + "\"a \\\"b\\\" \\\\ \\n\" @"
                + inner
                + " @@home @missing");
    assertThat(ArgumentFiles.expanded("@" + file, "@", "x"))
        .containsExactly(
            "--prompt=-n 5 pe\u00f6ple",
            "-n",
            "1",
            "--stop=#",
            "--stop=\"",
            "a \"b\" \\ \n",
            "--top-k",
            "5",
            "@home",
            "@missing",
            "@",
            "x");
  }

  @Test
  void brokenFilesOfArgumentsAreNamed() throws IOException {
    Path open = Files.writeString(folder.resolve("open"), "--prompt=\"no end");
    tandem("generate", "@" + open).assertFails(Cli.USAGE, "open: a quote has no end");
    Path itself = folder.resolve("itself");
    Files.writeString(itself, "-n 1 @" + itself);
    assertThatThrownBy(() -> ArgumentFiles.expanded("@" + itself))
        .hasMessageContaining("names itself");
    Path latin1 = Files.write(folder.resolve("latin1"), new byte[] {'a', (byte) 0xe9});
    tandem("generate", "@" + latin1).assertFails(Cli.USAGE, "latin1: not UTF-8");
  }

  private static List<OptionSpec> textOptions(String command) {
    return spec(Map.of(), command).options().stream()
        .filter(option -> option.arity().max() == 1 && option.converters().length == 0)
        .filter(option -> option.splitRegex().isEmpty())
        .filter(
            option ->
                Stream.concat(Stream.of(option.type()), Stream.of(option.auxiliaryTypes()))
                    .anyMatch(type -> type == String.class || type == Path.class))
        .toList();
  }

  private static CommandSpec spec(Map<String, String> environment, String command) {
    return Objects.requireNonNull(line(environment).getSubcommands().get(command)).getCommandSpec();
  }

  private static CommandLine line(Map<String, String> environment) {
    return Cli.commandLine(Main.NAME, new Main(), new EnvironmentDefaults(environment));
  }

  /** The values that options have after a command line with all that the command needs. */
  private static Map<String, String> parsed(
      Map<String, String> environment, String command, List<String> words) throws IOException {
    CommandSpec spec = spec(environment, command);
    List<String> args = new ArrayList<>(List.of(command));
    args.addAll(words);
    for (ArgSpec needed : spec.requiredArgs()) {
      if (needed instanceof OptionSpec option) {
        if (option.longestName().equals("--at")) {
          args.add("--at=1");
        }
      } else {
        args.add(command.equals("completion") ? "bash" : "1");
      }
    }
    spec.root().commandLine().parseArgs(ArgumentFiles.expanded(args.toArray(String[]::new)));
    Map<String, String> values = new HashMap<>();
    for (OptionSpec option : spec.options()) {
      Object value = option.getValue();
      if (value instanceof Optional<?> optional) {
        value = optional.orElse(null);
      }
      value = value instanceof List<?> list && list.size() == 1 ? list.get(0) : value;
      values.put(option.longestName(), String.valueOf(value));
    }
    return values;
  }
}
