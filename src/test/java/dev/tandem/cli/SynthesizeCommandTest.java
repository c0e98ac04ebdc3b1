package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class SynthesizeCommandTest {
  @TempDir private Path folder;

  @Test
  void writesTheModelThatMemoryWouldHold() throws IOException {
    String out = folder.resolve("stories.gguf").toString();
    assertThat(tandem("synthesize", "stories15M", out, "--type", "f16", "--seed", "7").result())
        .isEmpty();
    try (Checkpoint written = Checkpoints.open(out, Optional.empty());
        Checkpoint expected = RandomModels.of("stories15M", DType.F16, 7)) {
      assertThat(written.config()).isEqualTo(expected.config());
      assertThat(written.hash().hex()).isEqualTo(expected.hash().hex());
      assertThat(written.tokenizer().encodePrompt("Once 17 upon", false))
          .isEqualTo(expected.tokenizer().encodePrompt("Once 17 upon", false));
    }
    assertThat(tandem("generate", "-c", out, "-n", "3", "-t", "0", "--ignore-eos", "Once").result())
        .startsWith("Once");
  }

  @Test
  void unknownShapesAndFilesThatAreThereAreRefused() throws IOException {
    tandem("synthesize", "gpt5", folder.resolve("x.gguf").toString())
        .assertFails(Cli.USAGE, "no shape 'gpt5'", "gpt2-xl");
    Path there = Files.writeString(folder.resolve("there.gguf"), "mine");
    tandem("synthesize", "stories15M", there.toString())
        .assertFails(Cli.FAILURE, "exists already", "--force");
    assertThat(there).hasContent("mine");
  }
}
