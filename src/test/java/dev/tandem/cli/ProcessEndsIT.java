package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.JarProcess.Start;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes that are interrupted, killed or no longer listened to, in the middle of an answer. */
@Timeout(600)
class ProcessEndsIT {
  private static final int INTERRUPTED = 130;
  private static final int KILLED = 137;
  private static final int TERMINATED = 143;

  /** So much of an answer is awaited before it is disturbed. */
  private static final int SOME = 200;

  @TempDir private static Path folder;
  private static String model;
  private static String wholeStart;

  @BeforeAll
  static void makeModel() throws IOException {
    model = LongModel.create(folder).toString();
    wholeStart =
        CommandRun.tandem("generate", "-c", model, "-t", "0", "-n", "2000", "--ignore-eos", "Once")
            .result()
            .stripTrailing();
  }

  private static JarProcess generate() throws IOException {
    return new Start(JarProcess.TANDEM)
        .start("generate", "-c", model, "-t", "0", "-n", "100000", "--ignore-eos", "Once");
  }

  private static JarProcess client(int port) throws IOException {
    return new Start(JarProcess.CLIENT)
        .start("-o", "" + port, "-c", model, "-t", "0", "-n", "100000", "--ignore-eos", "Once");
  }

  /** A client that gives up when its server is lost. */
  private static JarProcess impatient(int port) throws IOException {
    String[] endless = {"-t", "0", "-n", "100000", "--ignore-eos", "Once"};
    String[] start = {"-o", "" + port, "-c", model, "--reconnect-timeout", "0"};
    return new Start(JarProcess.CLIENT)
        .start(Stream.of(start, endless).flatMap(Stream::of).toArray(String[]::new));
  }

  private static JarProcess server() throws IOException {
    return new Start(JarProcess.SERVER).start("-o", "0", "-c", model);
  }

  /** A server in this process, whose sequences can be counted. */
  private static final class CountingServer implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final HostedModel server;

    CountingServer() throws IOException {
      checkpoint = Checkpoints.open(model, Optional.empty());
      server = HostedModel.start(checkpoint, EngineSettings.defaults(), options());
    }

    private static ServerOptions options() {
      ServerOptions defaults = ServerOptions.defaults();
      return defaults
          .withAddress("127.0.0.1", 0)
          .withTimes(defaults.times().withResumeGrace(Duration.ofSeconds(2)));
    }

    void awaitSequences(int expected) throws InterruptedException {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (server.activeSequences() != expected && System.nanoTime() < end) {
        Thread.sleep(5);
      }
      assertThat(server.activeSequences()).isEqualTo(expected);
    }

    @Override
    public void close() throws IOException {
      server.close();
      checkpoint.close();
    }
  }

  /** Nothing is lost and nothing is invented: what was printed begins the whole text, or is it. */
  private static void assertWholeLines(String out) {
    assertThat(out).endsWith("\n").hasSizeGreaterThanOrEqualTo(SOME);
    String text = out.stripTrailing();
    int common = Math.min(text.length(), wholeStart.length());
    assertThat(text.substring(0, common)).isEqualTo(wholeStart.substring(0, common));
  }

  @Test
  void anInterruptedGenerationEndsItsLine() throws Exception {
    try (JarProcess process = generate()) {
      process.awaitOutput(SOME);
      process.signal("INT");
      CommandRun run = process.finish();
      assertThat(run.err()).isEmpty();
      assertThat(run.code()).isEqualTo(INTERRUPTED);
      assertWholeLines(run.out());
    }
  }

  @Test
  void anInterruptedClientGivesItsSequenceBack() throws Exception {
    try (CountingServer server = new CountingServer();
        JarProcess process = client(server.server.port())) {
      process.awaitOutput(SOME);
      server.awaitSequences(1);
      process.signal("INT");
      CommandRun run = process.finish();
      assertThat(run.err()).isEmpty();
      assertThat(run.code()).isEqualTo(INTERRUPTED);
      assertWholeLines(run.out());
      server.awaitSequences(0);
    }
  }

  /** Without an answer, too, Ctrl-C ends the line at once instead of waiting for a timeout. */
  @Test
  void aClientThatWaitsForItsServerCanBeInterrupted() throws Exception {
    try (JarProcess server = server();
        JarProcess process = client(server.awaitPort())) {
      process.awaitOutput(SOME);
      server.signal("STOP");
      process.signal("INT");
      CommandRun run = process.finish();
      server.signal("KILL");
      assertThat(run.err()).isEmpty();
      assertThat(run.code()).isEqualTo(INTERRUPTED);
      assertWholeLines(run.out());
    }
  }

  @Test
  void aKilledClientLosesItsMemoryOnTheServer() throws Exception {
    try (CountingServer server = new CountingServer();
        JarProcess killed = client(server.server.port());
        JarProcess other = client(server.server.port())) {
      killed.awaitOutput(SOME);
      other.awaitOutput(SOME);
      server.awaitSequences(2);
      killed.signal("KILL");
      assertThat(killed.finish().code()).isEqualTo(KILLED);
      server.awaitSequences(1);
      other.awaitOutput(other.out().length() + SOME); // goes on undisturbed
      other.signal("INT");
      assertWholeLines(other.finish().out());
      server.awaitSequences(0);
    }
  }

  @Test
  void aKilledClientIsNoNewsForTheServersUser() throws Exception {
    try (JarProcess server = server()) {
      int port = server.awaitPort();
      for (int i = 0; i < 3; i++) {
        try (JarProcess client = client(port)) {
          client.awaitOutput(SOME);
          client.signal("KILL");
          client.finish();
        }
      }
      server.signal("TERM");
      CommandRun run = server.finish();
      assertThat(run.err()).isEmpty();
      assertThat(run.out()).hasLineCount(1);
    }
  }

  @Test
  void aTextGoesOnWhenItsServerIsStartedAgain() throws Exception {
    try (JarProcess first = server()) {
      int port = first.awaitPort();
      try (JarProcess client = client(port)) {
        client.awaitOutput(SOME);
        first.signal("KILL");
        assertThat(first.finish().code()).isEqualTo(KILLED);
        try (JarProcess second = new Start(JarProcess.SERVER).start("-o", "" + port, "-c", model)) {
          assertThat(second.awaitPort()).isEqualTo(port);
          client.awaitOutput(client.out().length() + SOME);
          client.signal("INT");
          CommandRun run = client.finish();
          assertThat(run.code()).isEqualTo(INTERRUPTED);
          assertThat(run.err())
              .contains("looking for it", "again after", "it computes the text again")
              .hasLineCount(2);
          assertWholeLines(run.out());
        }
      }
    }
  }

  @Test
  void aKilledServerIsToldInOneLine() throws Exception {
    try (JarProcess server = server();
        JarProcess client = impatient(server.awaitPort())) {
      client.awaitOutput(SOME);
      server.signal("KILL");
      assertThat(server.finish().code()).isEqualTo(KILLED);
      CommandRun run = client.finish();
      assertThat(run.code()).isEqualTo(Cli.FAILURE);
      CommandRun.assertOneLine(run.err(), "tandem-client: the server at 127.0.0.1:", "closed");
      assertWholeLines(run.out());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void aStoppedServerSaysGoodbye(String signal) throws Exception {
    try (JarProcess server = server();
        JarProcess client = impatient(server.awaitPort())) {
      client.awaitOutput(SOME);
      server.signal(signal);
      CommandRun stopped = server.finish();
      assertThat(stopped.code()).isEqualTo(signal.equals("INT") ? INTERRUPTED : TERMINATED);
      assertThat(stopped.err()).isEmpty();
      CommandRun run = client.finish();
      assertThat(run.code()).isEqualTo(Cli.FAILURE);
      CommandRun.assertOneLine(run.err(), "the server at 127.0.0.1:", "shutting down");
      assertWholeLines(run.out());
    }
  }

  @Test
  void aReaderThatHasGoneEndsItQuietly() throws Exception {
    try (JarProcess process =
        new Start(JarProcess.TANDEM)
            .startInShell(
                "set -o pipefail; \"$@\" | head -c 10",
                "generate",
                "-c",
                model,
                "-t",
                "0",
                "-n",
                "100000",
                "--ignore-eos",
                "Once")) {
      assertThat(process.finish()).isEqualTo(new CommandRun(0, wholeStart.substring(0, 10), ""));
    }
    try (JarProcess process =
        new Start(JarProcess.TANDEM)
            .startInShell("set -o pipefail; \"$@\" | head -n 1", "inspect")) {
      assertThat(process.finish().result()).startsWith("model ").hasLineCount(1);
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX) // others have no /dev/full
  void aFullDiskIsTold() throws Exception {
    for (String[] args : new String[][] {{"generate", "-n", "5", "hi"}, {"tokenize", "hi"}}) {
      try (JarProcess process =
          new Start(JarProcess.TANDEM).startInShell("\"$@\" >/dev/full", args)) {
        process.finish().assertFails(Cli.FAILURE, "cannot write the output: No space left");
      }
    }
  }

  @Test
  void textIsUtf8InEveryLocale() throws Exception {
    Path input = Files.writeString(folder.resolve("input"), "Zoë 😀");
    String whole = CommandRun.tandem("generate", "-t", "0", "-n", "8", "Zoë 😀").result();
    for (String[] args :
        new String[][] {
          {"generate", "-t", "0", "-n", "8", "Zoë 😀"}, {"generate", "-t", "0", "-n", "8", "-"}
        }) {
      try (JarProcess process =
          new Start(JarProcess.TANDEM)
              .environment("LC_ALL", "C")
              .input(input)
              .startInShell("exec \"$@\"", args)) {
        assertThat(process.finish().result()).isEqualTo(whole);
      }
    }
  }

  @Test
  void variablesOfTheEnvironmentCount() throws Exception {
    try (JarProcess process =
        new Start(JarProcess.TANDEM)
            .environment("TANDEM_MAX_TOKENS", "3")
            .environment("TANDEM_TEMPERATURE", "0")
            .environment("TANDEM_VERBOSE", "true")
            .start("generate", "ROMEO:", "--verbose")) {
      CommandRun run = process.finish();
      assertThat(run.out())
          .isEqualTo(CommandRun.tandem("generate", "-t", "0", "-n", "3", "ROMEO:").result());
      CommandRun.assertOneLine(run.err().replaceFirst("^\\[", "tandem"), "3 tokens", "seed");
    }
  }
}
