package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import dev.tandem.hub.FakeHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tandem pull} with real models, from a hub on this machine. */
class PullCommandTest {
  private static final Path WEIGHTS = Path.of("weights");
  private static final String SHAKESPEARE = "tandem/gpt2-shakespeare";

  @TempDir private Path folder;
  private FakeHub hub;
  private Map<String, String> environment;

  @BeforeEach
  void startHub() throws IOException {
    hub = new FakeHub();
    environment =
        Map.of("HF_ENDPOINT", hub.endpoint(), "TANDEM_CACHE", folder.resolve("cache").toString());
  }

  @AfterEach
  void stopHub() {
    hub.close();
  }

  private static Map<String, byte[]> files(String model) throws IOException {
    Map<String, byte[]> files = new HashMap<>();
    try (Stream<Path> listed = Files.list(WEIGHTS.resolve(model))) {
      for (Path file : listed.toList()) {
        files.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private CommandRun run(String... args) {
    return tandem(environment, args);
  }

  @Test
  void aPulledModelGeneratesWhatTheBuiltInOneDoes() throws IOException {
    String commit = hub.put(SHAKESPEARE, files("gpt2-shakespeare"));
    String place = run("pull", SHAKESPEARE).result().strip();
    assertThat(Path.of(place)).isDirectory().isAbsolute();
    String[] generate = {"generate", "-n", "60", "-s", "7", "--json", "-c", "", "ROMEO:"};
    generate[7] = SHAKESPEARE;
    var pulled = run(generate).json();
    generate[7] = "gpt2-shakespeare";
    var embedded = run(generate).json();
    assertThat(pulled.get("ids")).hasSize(60).isEqualTo(embedded.get("ids"));
    assertThat(pulled.get("text")).isEqualTo(embedded.get("text"));
    for (String name : List.of(place, SHAKESPEARE + "@main", SHAKESPEARE + "@" + commit)) {
      generate[7] = name;
      assertThat(run(generate).json().get("ids")).isEqualTo(embedded.get("ids"));
    }
    assertThat(run("inspect", SHAKESPEARE).result()).contains("gpt2-shakespeare");
    String ids = run("tokenize", "-z", "gpt2-shakespeare", "--ids", "ROMEO:").result();
    assertThat(run("tokenize", "-z", SHAKESPEARE, "--ids", "ROMEO:").result()).isEqualTo(ids);
    assertThat(run("detokenize", "-z", SHAKESPEARE, "--ids", ids.strip()).result())
        .isEqualTo("ROMEO:");

    assertThat(run("pull", SHAKESPEARE).result().strip()).isEqualTo(place);
    assertThat(run("pull", SHAKESPEARE, "--force", "--revision", commit).result().strip())
        .isEqualTo(place);
    assertThat(run("pull", "--list").result())
        .contains(SHAKESPEARE, "4.1 MB", commit.substring(0, 12), place)
        .contains(SHAKESPEARE + "@" + commit);
  }

  @Test
  void aChosenFileIsAModelOfItsOwn() throws IOException {
    Map<String, byte[]> stories = files("stories260K");
    stories.put("tokenizer.bin", stories.get("tok512.bin")); // the name that is looked for
    hub.put("some-org/stories", stories);
    Path place =
        Path.of(run("pull", "some-org/stories", "--file", "stories260K.bin").result().strip());
    assertThat(place.getFileName()).hasToString("stories260K");
    assertThat(run("generate", "-n", "20", "-t", "0", "-c", "some-org/stories", "Once").result())
        .isEqualTo(run("generate", "-n", "20", "-t", "0", "-c", "stories260K", "Once").result());
  }

  /** A model in the cache does not take the place of what has the name already. */
  @Test
  void builtInModelsAndPathsComeFirst() throws IOException {
    hub.put("openai-community/gpt2", files("gpt2-shakespeare"));
    run("pull", "gpt2").result();
    run("inspect", "gpt2").result();
    Path working = Path.of("gpt2");
    assertThat(working).as("in the folder that tests run in").doesNotExist();
    assertThat(run("inspect", folder.toString()).err()).contains("not a known model");
  }

  @Test
  void whatWasNotPulledIsToldHowToGet() {
    run("generate", "-c", "gpt2").assertFails(Cli.FAILURE, "no model 'gpt2'", "tandem pull gpt2");
    run("inspect", "some-org/x").assertFails(Cli.FAILURE, "tandem pull some-org/x");
    assertThat(run("generate", "-c", "nothing").err()).doesNotContain("tandem pull");
    assertThat(run("pull", "--list").result()).isEmpty();
  }

  @Test
  void failuresAreOneLine() throws IOException {
    run("pull", "gpt2").assertFails(Cli.FAILURE, "no such repository", hub.endpoint());
    hub.put(SHAKESPEARE, files("gpt2-shakespeare"));
    run("pull", SHAKESPEARE + "@v2").assertFails(Cli.FAILURE, "no branch, tag or commit 'v2'");
    run("pull", SHAKESPEARE, "--file", "x.gguf").assertFails(Cli.FAILURE, "no file 'x.gguf'");
    hub.put("some-org/ggufs", Map.of("a.gguf", new byte[1], "b.gguf", new byte[1]));
    run("pull", "some-org/ggufs")
        .assertFails(
            Cli.FAILURE, "several GGUF models: a.gguf, b.gguf; use --file FILE to choose one");
    environment = Map.of("HF_ENDPOINT", "nonsense", "TANDEM_CACHE", folder.toString());
    run("pull", "gpt2").assertFails(Cli.FAILURE, "HF_ENDPOINT must be");
  }

  @Test
  void wrongUsageIsTold() {
    run("pull").assertFails(Cli.USAGE, "no model given; for example: tandem pull gpt2");
    run("pull", "gpt5").assertFails(Cli.USAGE, "no model 'gpt5'", "stories15M");
    run("pull", "gpt2", "--revision", "../x").assertFails(Cli.USAGE, "'../x' is not a branch");
    run("pull", "gpt2", "--file", "../x").assertFails(Cli.USAGE, "'../x' is not a file");
  }

  @Test
  void progressIsShownWhereItIsWanted() throws IOException {
    hub.put(SHAKESPEARE, files("gpt2-shakespeare"));
    CommandRun run = run("pull", SHAKESPEARE, "--verbose");
    assertThat(run.code()).isZero();
    assertThat(run.err()).contains("100%", "4/4 MB", "tandem generate -c " + SHAKESPEARE);
    assertThat(run.out().lines()).hasSize(1);
    assertThat(run("pull", SHAKESPEARE, "--verbose").err()).contains("is already in the cache");
  }
}
