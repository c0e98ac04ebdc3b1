package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ModelSource;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** {@code tandem client} and {@code tandem server}, with a server in this process. */
@Timeout(300)
class SplitCommandsTest {
  private static Checkpoint checkpoint;
  private static HostedModel server;

  @BeforeAll
  static void startServer() throws IOException {
    checkpoint = Checkpoints.open(ModelSource.DEFAULT, Optional.empty());
    server =
        HostedModel.start(
            checkpoint,
            new EngineSettings(1, "", Optional.empty(), Optional.empty(), false, 0),
            ServerOptions.defaults().withAddress("127.0.0.1", 0).withSequences(2, 100));
  }

  @AfterAll
  static void stopServer() throws IOException {
    server.close();
    checkpoint.close();
  }

  private static String port() {
    return "" + server.port();
  }

  private static int unusedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static CommandRun client(String... args) {
    String[] all = new String[args.length + 3];
    all[0] = "client";
    all[1] = "-o";
    all[2] = port();
    System.arraycopy(args, 0, all, 3, args.length);
    return tandem(all);
  }

  /** What is missing is named as an option of the server's command. */
  @Test
  void whatTheServerDoesNotOfferIsNamed() throws IOException {
    try (Checkpoint stories =
            ConvertedModels.convert(
                Checkpoints.open("stories260K", Optional.empty()),
                DType.F16,
                ConversionProgress.NONE);
        HostedModel other =
            HostedModel.start(
                stories,
                EngineSettings.defaults(),
                ServerOptions.defaults().withAddress("127.0.0.1", 0))) {
      tandem("client", "-o", "" + other.port(), "--split", "2", "hi")
          .assertFails(
              Cli.FAILURE,
              "this client has no files of stories260K and needs layers:2, but the server offers"
                  + " head; use --offer layers:2 at the server, or use --model MODEL here");
    }
  }

  @Test
  void anApproximatePartIsShown(@TempDir Path home) throws IOException {
    String before = System.setProperty("user.home", home.toString());
    try (Checkpoint gpt2 =
            ConvertedModels.convert(
                Checkpoints.open(ModelSource.DEFAULT, Optional.empty()),
                DType.F32,
                ConversionProgress.NONE);
        HostedModel other =
            HostedModel.start(
                gpt2,
                EngineSettings.defaults(),
                ServerOptions.defaults().withAddress("127.0.0.1", 0))) {
      String port = "" + other.port();
      CommandRun run =
          tandem("client", "-o", port, "--approximate", "q8_0", "--json", "-n", "3", "hi");
      assertThat(run.code()).isZero();
      assertThat(new ObjectMapper().readTree(run.out()).get("exact").asBoolean(true)).isFalse();
      assertThat(run.err().lines())
          .containsExactly(
              "the embedding and the head are approximations in q8_0 of the model's own: the result"
                  + " differs from the whole model's bits");
      CommandRun strict = tandem("client", "-o", port, "--approximate", "q8_0", "--strict", "hi");
      assertThat(strict.code()).isEqualTo(Cli.FAILURE);
      assertThat(strict.out()).isEmpty();
      assertThat(strict.err()).contains("would not give the bits of the whole model");
      tandem("client", "-o", port, "--approximate", "f32", "hi")
          .assertFails(
              Cli.FAILURE, "type must have fewer bits than the model's own types, got f32");
    } finally {
      System.setProperty("user.home", before);
    }
    client("-c", ModelSource.DEFAULT, "--approximate", "q8_0", "hi")
        .assertFails(
            CommandLine.ExitCode.USAGE,
            "--approximate is for a client without files; with -c, use --type at both ends");
    client("--approximate", "q9", "hi").assertFails(CommandLine.ExitCode.USAGE, "--approximate");
  }

  @ParameterizedTest
  @CsvSource({"0,hidden", "2,logits", "4,hidden", "1,topk"})
  void theClientWritesWhatTheWholeModelWrites(String split, String reply) {
    assertThat(
            client(
                    "--threads=1",
                    "-n",
                    "20",
                    "-t",
                    "0",
                    "--split",
                    split,
                    "--reply",
                    reply,
                    "ROMEO:")
                .result())
        .isEqualTo(tandem("generate", "-n", "20", "-t", "0", "ROMEO:", "--threads=1").result());
    assertThat(server.activeSequences()).isZero();
  }

  @Test
  void aClientMayHoldTheEmbeddingsAlone(@TempDir Path directory) {
    String out = directory.resolve("embeddings").toString();
    tandem("convert", "gpt2-shakespeare", out, "--format", "npy").result();
    assertThat(client("-c", out, "-n", "20", "-t", "0", "ROMEO:").result())
        .isEqualTo(tandem("generate", "-n", "20", "-t", "0", "ROMEO:", "--threads=1").result());
    assertThat(tandem("inspect", out).result()).contains("embedding, no layers, no head");
    tandem("generate", "-c", out, "hi")
        .assertFails(Cli.FAILURE, "is a part of a model", "run it split");
    client("-c", out, "--reply", "hidden", "hi")
        .assertFails(Cli.USAGE, "--reply must be logits or topk, because", "holds no head");
    client("-c", out, "--split", "1", "hi")
        .assertFails(CommandLine.ExitCode.USAGE, "--split must be in 0..0, got 1");
    tandem("server", "-c", out, "-o", "0").assertFails(Cli.FAILURE, "nothing to serve");
  }

  @Test
  void jsonTellsAboutTheWire() throws IOException {
    JsonNode json = client("--json", "-n", "5", "").json();
    assertThat(json.get("finish_reason").asText()).isEqualTo("length");
    JsonNode wire = json.get("wire");
    assertThat(wire).hasSize(5);
    assertThat(wire.get("chain").asText()).contains(" on ws://").contains("the head here");
    assertThat(wire.get("round_trips").asInt()).isGreaterThanOrEqualTo(5);
    assertThat(wire.get("bytes_sent").asInt()).isPositive();
    assertThat(wire.get("bytes_received").asInt()).isPositive();
    assertThat(wire.get("full_rows").asInt()).isZero();
    JsonNode topk = client("--json", "-n", "5", "-s", "1", "-t", "3", "--reply", "topk", "").json();
    assertThat(topk.get("wire").get("full_rows").asInt()).isBetween(1, 5);
  }

  @Test
  void theServerMayBeNamedByItsAddress() {
    String here = "ws://127.0.0.1:" + port();
    for (String url : new String[] {here, here + "/v1/split"}) {
      assertThat(tandem("client", "--server", url, "-n", "2", "hi").result()).startsWith("hi");
    }
  }

  @Test
  void anotherModelIsRefused() {
    client("-c", "stories260K", "hi")
        .assertFails(
            Cli.FAILURE,
            "the server has model gpt2-shakespeare",
            "this client has stories260K",
            "use the same model at both ends");
  }

  @Test
  void anotherTypeIsAnotherModel() throws IOException {
    client("--type", "q8_0", "hi")
        .assertFails(Cli.FAILURE, "the server has model gpt2-shakespeare", "same model");
    try (Checkpoint converted =
            ConvertedModels.convert(
                Checkpoints.open(ModelSource.DEFAULT, Optional.empty()),
                DType.Q8_0,
                ConversionProgress.NONE);
        HostedModel quantized =
            HostedModel.start(
                converted,
                EngineSettings.defaults(),
                ServerOptions.defaults().withAddress("127.0.0.1", 0))) {
      String[] args = {"-n", "20", "-t", "0", "--type", "q8_0", "ROMEO:"};
      CommandRun split =
          tandem(
              Stream.concat(
                      Stream.of("client", "-o", "" + quantized.port(), "--split", "2"),
                      Stream.of(args))
                  .toArray(String[]::new));
      CommandRun whole =
          tandem(Stream.concat(Stream.of("generate"), Stream.of(args)).toArray(String[]::new));
      assertThat(split.result()).isEqualTo(whole.result());
    }
  }

  @Test
  void anotherArithmeticIsRefused() {
    client("--gelu", "formula", "hi").assertFails(Cli.FAILURE, "--gelu at both ends");
    client("--reproducible", "hi").assertFails(Cli.FAILURE, "start the server with --reproducible");
    client("--kv-type", "q8_0", "hi").assertFails(Cli.FAILURE, "--kv-type at both ends");
    client("--chunk", "16", "hi").assertFails(Cli.FAILURE, "--chunk at both ends");
  }

  @Test
  void aPromptBeyondTheServersContextIsRefused() {
    client("--ids", "5 ".repeat(101), "-n", "2").assertFails(Cli.FAILURE, "101 tokens", "100");
    assertThat(client("--ids", "5 ".repeat(90), "-n", "50").result()).isNotEmpty();
  }

  @Test
  void noServerIsToldAtOnce() throws IOException {
    int unused = unusedPort();
    tandem("client", "-o", "" + unused, "hi")
        .assertFails(Cli.FAILURE, "no server at 127.0.0.1:" + unused, "start it");
    tandem("client", "-a", "no-such-host.invalid", "hi")
        .assertFails(Cli.FAILURE, "no-such-host.invalid", "unknown host");
  }

  @Test
  void anotherKindOfServerIsNamed() {
    tandem("client", "--server", "ws://127.0.0.1:" + port() + "/elsewhere", "hi")
        .assertFails(Cli.FAILURE, "is not a Tandem server (HTTP 404)");
  }

  @Test
  void aPortInUseIsNamed() {
    tandem("server", "-o", port())
        .assertFails(Cli.FAILURE, "cannot listen on port " + port(), "choose another port");
    tandem("server", "-a", "no-such-host.invalid", "-o", "0")
        .assertFails(Cli.FAILURE, "unknown host no-such-host.invalid");
  }
}
