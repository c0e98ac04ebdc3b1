package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tandem.cli.JarProcess.Start;
import dev.tandem.cli.terminal.Cli;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Servers of some layers each, in processes of their own, and a client of all of them. */
@Timeout(600)
class ChainIT {
  private static final String TOKENS = "120";

  private static String expected;

  @BeforeAll
  static void expect() {
    expected =
        CommandRun.tandem("generate", "-t", "0", "-n", TOKENS, "--ignore-eos", "ROMEO:").result();
  }

  private static JarProcess server(String layers, String port) throws IOException {
    return new Start(JarProcess.SERVER).start("-o", port, "--layers", layers);
  }

  private static JarProcess client(List<Integer> ports, String... more) throws IOException {
    List<String> args = new ArrayList<>();
    for (int port : ports) {
      args.add("--server=ws://127.0.0.1:" + port);
    }
    args.addAll(List.of("-t", "0", "-n", TOKENS, "--ignore-eos"));
    args.addAll(List.of(more));
    args.add("ROMEO:");
    return new Start(JarProcess.CLIENT).start(args.toArray(String[]::new));
  }

  @Test
  void twoServersAndAClient() throws Exception {
    try (JarProcess first = server("0:2", "0");
        JarProcess second = server("2:4", "0")) {
      List<Integer> ports = List.of(first.awaitPort(), second.awaitPort());
      try (JarProcess client = client(ports, "--verbose")) {
        CommandRun run = client.finish();
        assertThat(run.out()).isEqualTo(expected);
        assertThat(run.err())
            .contains("layers 0..1 on ws://127.0.0.1:" + ports.get(0) + " (")
            .contains("layers 2..3 on ws://127.0.0.1:" + ports.get(1) + " (")
            .contains("the head here");
      }
      try (JarProcess client = client(ports, "--json", "--split", "1", "--reply", "topk")) {
        JsonNode json = client.finish().json();
        assertThat(json.get("prompt").asText() + json.get("text").asText() + "\n")
            .isEqualTo(expected);
        assertThat(json.get("exact").asBoolean()).isTrue();
        // Two servers, so two for each token.
        assertThat(json.get("wire").get("round_trips").asInt())
            .isGreaterThanOrEqualTo(2 * Integer.parseInt(TOKENS));
      }
      try (JarProcess client = client(List.of(ports.get(1)))) {
        client
            .finish()
            .assertFails(
                Cli.FAILURE,
                "no server holds layers 0..1 of gpt2-shakespeare",
                "ws://127.0.0.1:" + ports.get(1) + " holds layers 2..3 and the head");
      }
    }
  }

  @Test
  void aKilledServerMayComeBack() throws Exception {
    try (JarProcess first = server("0:2", "0");
        JarProcess second = server("2:4", "0")) {
      List<Integer> ports = List.of(first.awaitPort(), second.awaitPort());
      try (JarProcess client = client(ports)) {
        client.awaitOutput("ROMEO:".length() + 10);
        second.signal("KILL");
        second.finish();
        try (JarProcess again = server("2:4", "" + ports.get(1))) {
          assertThat(again.awaitPort()).isEqualTo(ports.get(1));
          CommandRun run = client.finish();
          assertThat(run.code()).isZero();
          assertThat(run.out()).isEqualTo(expected);
          assertThat(run.err())
              .contains("looking for it", "connected to 127.0.0.1:" + ports.get(1) + " again");
        }
      }
    }
  }
}
