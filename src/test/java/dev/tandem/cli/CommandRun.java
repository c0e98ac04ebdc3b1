package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.terminal.Cli;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;

/**
 * What a command line did in this process.
 *
 * @param code exit code
 * @param out what it wrote to standard output
 * @param err what it wrote to standard error
 */
record CommandRun(int code, String out, String err) {

  static CommandRun tandem(String... args) {
    return tandem(Map.of(), args);
  }

  static CommandRun tandem(Map<String, String> environment, String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Cli.run(
            Main.NAME, new Main(), new PrintWriter(out), new PrintWriter(err), environment, args);
    return new CommandRun(code, out.toString(), err.toString());
  }

  /** The output of a command that succeeded and said nothing else. */
  String result() {
    assertThat(err).isEmpty();
    assertThat(code).isZero();
    return out;
  }

  JsonNode json() throws IOException {
    return new ObjectMapper().readTree(result());
  }

  /** Checks that it failed, with nothing but one line that has these parts. */
  void assertFails(int expectedCode, String... parts) {
    assertOneLine(err, parts);
    assertThat(code).isEqualTo(expectedCode);
    assertThat(out).isEmpty();
  }

  /** Checks that this is one line that has these parts and is no stack trace. */
  static void assertOneLine(String message, String... parts) {
    assertThat(message)
        .startsWith("tandem")
        .endsWith(System.lineSeparator())
        .doesNotContain("Exception", "\tat ");
    for (String part : parts) {
      assertThat(message).contains(part);
    }
    assertThat(message.lines()).hasSize(1);
  }
}
