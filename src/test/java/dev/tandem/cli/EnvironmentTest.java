package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Utf8Arguments;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Variables of the environment that are wrong, or not meant for us. */
@Tag("slow")
class EnvironmentTest {
  private static final String SERVICE = "tcp://10.43.1.39:8080";

  static Stream<String> commands() {
    return new CommandLine(new Main()).getSubcommands().keySet().stream();
  }

  private static List<OptionSpec> options(String command) {
    return Objects.requireNonNull(new CommandLine(new Main()).getSubcommands().get(command))
        .getCommandSpec()
        .options()
        .stream()
        .filter(option -> !option.usageHelp() && !option.versionHelp())
        .toList();
  }

  private static String variable(OptionSpec option) {
    return "TANDEM_" + option.longestName().substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void helpAndVersionAlwaysWork(String command) {
    Map<String, String> wrong = new HashMap<>(Map.of("TANDEM_HELP", "x", "TANDEM_VERSION", "x"));
    options(command).forEach(option -> wrong.put(variable(option), "no such \u0007 value"));
    String help = tandem(command, "--help").result();
    assertThat(tandem(wrong, command, "--help").result()).isEqualTo(help);
    assertThat(tandem(wrong, command, "-h").result()).isEqualTo(help);
    assertThat(tandem(wrong, command, "--version").result()).startsWith("tandem ");
    assertThat(tandem(wrong, command, "-V").result()).startsWith("tandem ");
    assertThat(tandem(wrong, "--help").result()).startsWith("Usage: tandem ");
    assertThat(tandem(wrong, "--version").result()).startsWith("tandem ");
  }

  /** Numbers, flags, and words out of a list. */
  @ParameterizedTest
  @MethodSource("commands")
  void aValueOfWrongFormNamesItsVariable(String command) {
    List<OptionSpec> strict =
        options(command).stream()
            .filter(
                option ->
                    Stream.of(option.auxiliaryTypes())
                        .anyMatch(type -> type.isEnum() || type.isPrimitive() || isNumber(type)))
            .toList();
    for (OptionSpec option : strict) {
      CommandRun run = tandem(Map.of(variable(option), "l'ots"), command);
      run.assertFails(Cli.USAGE, "'l'ots'", ", from " + variable(option) + " (see");
    }
    if (command.equals("generate")) {
      assertThat(strict)
          .extracting(OptionSpec::longestName)
          .contains("--max-tokens", "--temperature", "--rng", "--json", "--seed", "--kv-type");
    }
  }

  /** The form is right, the value is not; the check is the library's, or the command's own. */
  @Test
  void aValueOutOfRangeNamesItsVariable() {
    Map.of(
            "TANDEM_TOP_P", "7",
            "TANDEM_TEMPERATURE", "-1",
            "TANDEM_REPEAT_PENALTY", "0",
            "TANDEM_MAX_TOKENS", "-5",
            "TANDEM_THREADS", "1000",
            "TANDEM_CHUNK", "-1",
            "TANDEM_LOGIT_BIAS", "1=NaN")
        .forEach(
            (variable, value) -> {
              String option =
                  "--" + variable.substring(7).toLowerCase(Locale.ROOT).replace('_', '-');
              tandem(Map.of(variable, value), "generate")
                  .assertFails(Cli.USAGE, option + " must be", ", got ", ", from " + variable);
              assertThat(
                      tandem(Map.of(variable, value), "generate", "-n", "0", option + "=1").err())
                  .doesNotContain(variable);
            });
    tandem(Map.of("TANDEM_PORT", "70000"), "server")
        .assertFails(Cli.USAGE, "--port must be at most 65535", "from TANDEM_PORT");
    tandem(Map.of("TANDEM_MAX_SEQUENCES", "0"), "server")
        .assertFails(Cli.USAGE, "--max-sequences must be", "from TANDEM_MAX_SEQUENCES");
    tandem(Map.of("TANDEM_SPLIT", "9"), "client", "-c", "gpt2-shakespeare")
        .assertFails(Cli.USAGE, "--split must be in 0..4", "from TANDEM_SPLIT");
  }

  private static boolean isNumber(Class<?> type) {
    return Number.class.isAssignableFrom(type);
  }

  @Test
  void theAddressOfAServiceIsNoPort() {
    CommandRun run = tandem(Map.of("TANDEM_PORT", SERVICE), "client", "--server", "ws://h:99999/");
    assertThat(run.err())
        .startsWith("TANDEM_PORT=" + SERVICE + " is ignored: it is the address of a service")
        .contains("--server must be");
    assertThat(run.err().lines()).hasSize(2);
    CommandRun written =
        tandem(Map.of("TANDEM_PORT", SERVICE), "client", "-o", "1", "--server", "ws://h:99999/");
    assertThat(written.err()).doesNotContain("TANDEM_PORT");
    tandem(Map.of("TANDEM_PORT", "8080x"), "client")
        .assertFails(Cli.USAGE, "'8080x' is not a whole number", "from TANDEM_PORT");
    tandem(Map.of("TANDEM_MAX_TOKENS", SERVICE), "client")
        .assertFails(Cli.USAGE, "is not a whole number", "from TANDEM_MAX_TOKENS");
  }

  @Test
  void variablesAreUtf8InAnyLocale(@TempDir Path folder) throws Exception {
    CommandRun run =
        new ClassPathProcess(folder)
            .environment("LC_ALL", "C")
            .environment("TANDEM_PROMPT", "\u00fc\u4e16")
            .before(List.of("env", "TANDEM_PROMPT=\u00fc\u4e16"))
            .run("generate", "-n", "0");
    assertThat(run.result()).startsWith("\u00fc\u4e16");
  }

  @Test
  void variablesThatAreNotUtf8StayAsJavaReadThem() {
    byte[] environment = "A=\u00fc\0B=x=y\0C=\0D\0E=\u00fc\0".getBytes(StandardCharsets.UTF_8);
    environment[environment.length - 2] = (byte) 0xff;
    Map<String, String> java = Map.of("A", "??", "B", "x=y", "C", "", "E", "??");
    assertThat(Utf8Arguments.decodeEnvironment(environment, java))
        .containsExactlyInAnyOrderEntriesOf(Map.of("A", "\u00fc", "B", "x=y", "C", "", "E", "??"));
  }
}
