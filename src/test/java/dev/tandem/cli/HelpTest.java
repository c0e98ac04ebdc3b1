package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class HelpTest {

  static Stream<String> commands() {
    return new CommandLine(new Main()).getSubcommands().keySet().stream();
  }

  @Test
  void theListOfCommandsHasOneSentenceEach() {
    String help = tandem("--help").result();
    assertThat(commands()).allSatisfy(name -> assertThat(help).contains("\n  " + name + " "));
    assertThat(help.replaceAll("\\s+", " "))
        .contains("Every option may also come from the environment");
    assertThat(tandem("--version").result()).startsWith("tandem ");
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyOptionHasAGroup(String command) {
    String help = tandem(command, "--help").result();
    assertThat(help).startsWith("Usage: tandem " + command).contains("Other:").endsWith("\n");
    assertThat(help).doesNotContain("Options:", "null");
    assertThat(tandem(command, "--version").result()).startsWith("tandem ");
  }

  /** A block is a quantisation block; the glossary of docs/architecture.md has the words. */
  @ParameterizedTest
  @MethodSource("commands")
  void layersAreCalledLayers(String command) {
    String help = tandem(command, "--help").result().replaceAll("\\s+", " ");
    assertThat(help.replace("whole blocks of 32", "")).doesNotContainIgnoringCase("block");
    if (Set.of("client", "split").contains(command)) {
      assertThat(help).containsIgnoringCase("layers 0..K-1");
    }
  }

  @Test
  void groupsComeInASensibleOrder() {
    assertThat(tandem("client", "--help").result().lines().filter(line -> line.matches("\\w+:")))
        .containsExactly(
            "Model:",
            "Prompt:",
            "Length:",
            "Sampling:",
            "Output:",
            "Server:",
            "Drafts:",
            "Engine:",
            "Other:");
  }

  /** Given on the command line, a flag must be on whatever the environment says. */
  @ParameterizedTest
  @MethodSource("commands")
  void flagsCannotBeToggledOff(String command) {
    List<OptionSpec> options =
        Objects.requireNonNull(new CommandLine(new Main()).getSubcommands().get(command))
            .getCommandSpec()
            .options();
    assertThat(options)
        .filteredOn(option -> option.type() == boolean.class)
        .filteredOn(option -> !option.usageHelp() && !option.versionHelp())
        .allSatisfy(option -> assertThat(option.fallbackValue()).isEqualTo("true"));
  }

  /** An option with a value says what holds without it. */
  @ParameterizedTest
  @MethodSource("commands")
  void defaultsAreShown(String command) {
    List<OptionSpec> options =
        Objects.requireNonNull(new CommandLine(new Main()).getSubcommands().get(command))
            .getCommandSpec()
            .options();
    assertThat(options)
        .filteredOn(option -> option.arity().max() > 0 && option.defaultValue() != null)
        .filteredOn(option -> !option.defaultValue().isEmpty())
        .allSatisfy(
            option ->
                assertThat(String.join(" ", option.description())).matches("(?s).*Default: \\S.*"));
  }

  @Test
  void bashCompletesCommandsAndOptions(@TempDir Path folder) throws Exception {
    Path script = folder.resolve("completion");
    Files.writeString(script, tandem("completion", "bash").result());
    assertThat(complete(script, "tandem", "gen")).containsExactly("generate");
    assertThat(complete(script, "tandem", "client", "--spl")).containsExactly("--split");
    assertThat(complete(script, "tandem", "generate", "--temp")).containsExactly("--temperature");
    assertThat(tandem("completion", "zsh").result()).contains("bashcompinit");
  }

  private static List<String> complete(Path script, String... words)
      throws IOException, InterruptedException {
    String ask =
        ". \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _complete_tandem;"
            + " printf '%s\\n' \"${COMPREPLY[@]}\"";
    List<String> command =
        Stream.concat(Stream.of("bash", "--norc", "-c", ask, script.toString()), Stream.of(words))
            .toList();
    Process bash =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String answer = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bash.waitFor()).as(answer).isZero();
    return answer.lines().map(String::strip).toList();
  }
}
