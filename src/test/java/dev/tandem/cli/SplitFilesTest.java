package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code tandem split} and what its files are good for. */
@Timeout(300)
class SplitFilesTest {
  @TempDir private Path folder;

  private String file(String name) {
    return folder.resolve(name).toString();
  }

  private void split(String model, int at, String names, String... more) {
    String[] arguments = {
      "split",
      model,
      "--at",
      "" + at,
      "--client",
      file(names + "-client.gguf"),
      "--server",
      file(names + "-server.gguf")
    };
    String[] all = java.util.Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    assertThat(tandem(all).result()).isEmpty();
  }

  private static HostedModel serve(Checkpoint checkpoint) throws IOException {
    return HostedModel.start(
        checkpoint,
        EngineSettings.defaults(),
        ServerOptions.defaults().withAddress("127.0.0.1", 0));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void clientAndServerWriteWhatTheWholeModelWrites(boolean headHere) throws IOException {
    String expected = tandem("generate", "-s", "5", "-n", "30", "ROMEO:").result();
    split("gpt2-shakespeare", 2, "parts", headHere ? new String[0] : new String[] {"--no-head"});
    try (Checkpoint part = Checkpoints.open(file("parts-server.gguf"), Optional.empty());
        HostedModel server = serve(part)) {
      // A tied head is the vocabulary matrix: with --no-head both files have it.
      assertThat(part.tensors().containsKey("token_embd.weight")).isEqualTo(!headHere);
      String port = "" + server.port();
      String client = file("parts-client.gguf");
      assertThat(
              tandem("client", "-c", client, "-o", port, "-s", "5", "-n", "30", "ROMEO:").result())
          .isEqualTo(expected);
    }
  }

  @Test
  void partsOfTwoModelsDoNotGoTogether() throws IOException {
    split("gpt2-shakespeare", 1, "gpt2");
    split("stories260K", 1, "stories");
    try (Checkpoint part = Checkpoints.open(file("gpt2-server.gguf"), Optional.empty());
        HostedModel server = serve(part)) {
      tandem("client", "-c", file("stories-client.gguf"), "-o", "" + server.port(), "x")
          .assertFails(Cli.FAILURE, "the server has model", "use the same model at both ends");
    }
    tandem("generate", "-c", file("gpt2-client.gguf"), "x")
        .assertFails(Cli.FAILURE, "is a part of a model", "run it split");
  }

  @Test
  void nothingIsWrittenUnlessAllCanBe() throws IOException {
    Path there = Files.writeString(folder.resolve("there.gguf"), "mine");
    String client = file("client.gguf");
    tandem("split", "stories260K", "--at", "1", "--client", client, "--server", there.toString())
        .assertFails(Cli.FAILURE, "exists already", "--force");
    tandem("split", "stories260K", "--at", "6", "--client", client, "--server", file("s.gguf"))
        .assertFails(Cli.USAGE, "--at must be in 0..5, got 6");
    tandem("split", "stories260K", "--at", "1", "--client", client, "--server", client)
        .assertFails(Cli.USAGE, "two files");
    split("stories260K", 1, "parts");
    tandem(
            "split",
            file("parts-client.gguf"),
            "--at",
            "1",
            "--client",
            client,
            "--server",
            file("s.gguf"))
        .assertFails(Cli.FAILURE, "is itself a part of a model");
    assertThat(there).hasContent("mine");
    assertThat(folder.resolve("client.gguf")).doesNotExist();
    assertThat(folder.resolve("s.gguf")).doesNotExist();
  }
}
