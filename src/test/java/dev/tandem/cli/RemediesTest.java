package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tandem.api.ModelBuilder;
import dev.tandem.api.ModelException;
import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What would mend a fault: values for a program, the builder's words in the library's message, and
 * options on the command line.
 */
class RemediesTest {
  private static final Path SHAKESPEARE = Path.of("weights/gpt2-shakespeare");

  @TempDir private Path folder;

  private Path copy() throws IOException {
    Path target = Files.createDirectory(folder.resolve("gpt2"));
    try (var files = Files.list(SHAKESPEARE)) {
      for (Path file : files.toList()) {
        Files.copy(file, target.resolve(file.getFileName()));
      }
    }
    return target;
  }

  private static ModelException failure(ModelBuilder builder) {
    ModelException failure =
        catchThrowableOfType(ModelException.class, () -> builder.open().close());
    assertThat(failure.getMessage()).startsWith(failure.statement() + "; ").doesNotContain("--");
    return failure;
  }

  private static void assertFails(ModelException failure, String remedies, String... args) {
    tandem(args).assertFails(Cli.FAILURE);
    assertThat(tandem(args).err())
        .isEqualTo(
            "tandem "
                + args[0]
                + ": "
                + failure.statement()
                + "; "
                + remedies
                + System.lineSeparator());
  }

  @Test
  void aFieldThatNoReaderKnowsIsLeftOut() {
    ModelException failure = failure(Tandem.model("gpt2-shakespeare").config("nhead=3"));
    assertThat(failure.remedies()).containsExactly(Remedy.leaveOut("config", "nhead"));
    assertThat(failure).hasMessageEndingWith("; leave out config nhead");
    assertFails(
        failure,
        "leave out --config nhead",
        "generate",
        "-c",
        "gpt2-shakespeare",
        "--config",
        "nhead=3",
        "x");
  }

  @Test
  void aFieldOfTheConfigIsSetToNull() throws IOException {
    Path model = copy();
    Path config = model.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replaceFirst("\\{", "{\"scale_depth\": 2, "));
    ModelException failure = failure(Tandem.model(model.toString()));
    assertThat(failure.remedies())
        .containsExactly(Remedy.config("scale_depth", "null", "if it does not"));
    assertThat(failure.expected().orElseThrow()).startsWith("nothing, because");
    assertThat(failure.got()).contains("2");
    assertThat(failure).hasMessageEndingWith(", got 2; set config scale_depth=null if it does not");
    assertFails(
        failure,
        "use --config scale_depth=null if it does not",
        "generate",
        "-c",
        model.toString(),
        "x");
    tandem("generate", "-c", model.toString(), "--config", "scale_depth=null", "-n", "1", "x")
        .result();
  }

  @Test
  void aGgufFileTakesNoConfig() {
    String model = folder.resolve("model.gguf").toString();
    tandem("convert", "stories260K", model).result();
    ModelException failure = failure(Tandem.model(model).config("n_head=3"));
    assertThat(failure.remedies()).containsExactly(Remedy.leaveOut("config", ""));
    assertThat(failure).hasMessageEndingWith("; leave out config");
    assertFails(
        failure, "leave out --config", "generate", "-c", model, "--config", "n_head=3", "x");
  }

  /** Either of two values mends it; without a tokenizer nothing decides between them. */
  @Test
  void theOrderOfLinearLayersIsStated() throws IOException {
    String model = folder.resolve("dump").toString();
    tandem("convert", "gpt2-shakespeare", model, "--format", "model-bin").result();
    Files.deleteIfExists(folder.resolve("dump/vocab.bin"));
    ModelException failure = failure(Tandem.model(model));
    assertThat(failure.remedies())
        .containsExactly(Remedy.config("linear", "out_in"), Remedy.config("linear", "in_out"));
    assertThat(failure.got()).contains("nothing");
    assertThat(failure)
        .hasMessageEndingWith("; set config linear=out_in, or set config linear=in_out");
    assertFails(
        failure,
        "use --config linear=out_in, or use --config linear=in_out",
        "generate",
        "-c",
        model,
        "x");
  }

  @Test
  void anAssumptionIsReplaced() throws IOException {
    Path model = copy();
    Files.delete(model.resolve("config.json"));
    Note note;
    try (TextModel opened = Tandem.open(model.toString())) {
      assertThat(opened.notes()).hasSize(1);
      note = opened.notes().get(0);
    }
    assertThat(note.remedies())
        .containsExactly(Remedy.config("n_head", "NUMBER", "for another number"));
    assertThat(note)
        .hasToString(note.statement() + "; set config n_head=NUMBER for another number");
    assertThat(tandem("generate", "-c", model.toString(), "-n", "1", "x").err())
        .isEqualTo(
            note.statement()
                + "; use --config n_head=NUMBER for another number"
                + System.lineSeparator());
  }

  @Test
  void aFormatIsNamed() {
    tandem("convert", "stories260K", folder.resolve("x.abc").toString())
        .assertFails(
            Cli.USAGE, "--format must be one of gguf", "because the name x.abc implies none");
    tandem("convert", "stories260K", folder.resolve("x.gguf").toString(), "--format", "abc")
        .assertFails(Cli.USAGE, "--format must be one of gguf", ", got abc");
  }
}
