package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tandem.cli.terminal.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PerplexityCommandTest {
  private static final String TEXT =
      "Once upon a time there was a little girl. She had a red ball.";

  private final Path text;

  PerplexityCommandTest(@TempDir Path folder) throws IOException {
    text = Files.writeString(folder.resolve("text.txt"), TEXT);
  }

  @Test
  void aTextIsMeasured() throws IOException {
    String file = text.toString();
    JsonNode all = tandem("perplexity", "stories260K", "-f", file, "--json").json();
    int tokens = all.get("tokens").intValue();
    assertThat(all.get("model").textValue()).isEqualTo("stories260K");
    assertThat(all.get("window").intValue()).isEqualTo(512);
    assertThat(all.get("stride").intValue()).isEqualTo(512);
    assertThat(all.get("windows").intValue()).isEqualTo(1);
    assertThat(all.get("scored").intValue()).isEqualTo(tokens - 1);
    double perplexity = all.get("perplexity").doubleValue();
    assertThat(Math.log(perplexity)).isCloseTo(all.get("mean_loss").doubleValue(), within(1e-12));
    // The model writes such stories: it must do far better than guessing among 512 tokens.
    assertThat(perplexity).isBetween(1.0, 50.0);

    JsonNode cut =
        tandem(
                "perplexity",
                "stories260K",
                "-f",
                file,
                "--json",
                "--tokens",
                "12",
                "--window",
                "8",
                "--stride",
                "4")
            .json();
    assertThat(cut.get("tokens").intValue()).isEqualTo(12);
    assertThat(cut.get("windows").intValue()).isEqualTo(2);
    assertThat(cut.get("scored").intValue()).isEqualTo(11);
    assertThat(cut.get("perplexity").doubleValue()).isNotEqualTo(perplexity);
  }

  @Test
  void theResultIsOneLine() {
    assertThat(tandem("perplexity", "stories260K", "-f", text.toString()).result())
        .matches(
            "perplexity \\d+\\.\\d{4} \\(\\d\\.\\d{6} nats per token; (\\d+) of \\d+ tokens,"
                + " windows of 512, stride 512\\)\\R");
  }

  @Test
  void usageErrors() {
    String file = text.toString();
    tandem("perplexity", "stories260K").assertFails(Cli.USAGE, "--file");
    tandem("perplexity", "stories260K", "-f", file, "--window", "513")
        .assertFails(Cli.USAGE, "--window must be at most 512", "got 513");
    tandem("perplexity", "stories260K", "-f", file, "--window", "1")
        .assertFails(Cli.USAGE, "--window must be at least 2, got 1");
    tandem("perplexity", "stories260K", "-f", file, "--window", "8", "--stride", "9")
        .assertFails(Cli.USAGE, "--stride must be in 1..8");
    tandem("perplexity", "stories260K", "-f", file, "--tokens", "-1")
        .assertFails(Cli.USAGE, "--tokens must be >= 0, got -1");
  }

  @Test
  void badTexts() throws IOException {
    tandem("perplexity", "stories260K", "-f", text.resolveSibling("none").toString())
        .assertFails(Cli.FAILURE, "none", "no such file");
    Path bytes = Files.write(text.resolveSibling("latin1"), new byte[] {'Z', 'o', (byte) 0xeb});
    tandem("perplexity", "stories260K", "-f", bytes.toString())
        .assertFails(Cli.FAILURE, "latin1", "not UTF-8");
    Path empty = Files.createFile(text.resolveSibling("empty"));
    tandem("perplexity", "stories260K", "-f", empty.toString())
        .assertFails(Cli.FAILURE, "at least two tokens");
  }
}
