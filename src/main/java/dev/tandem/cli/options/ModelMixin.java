package dev.tandem.cli.options;

import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.EnvironmentDefaults;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option for the model. */
@Command(optionListHeading = "Model:")
public final class ModelMixin {
  @Option(
      names = {"-c", "--model"},
      paramLabel = "MODEL",
      defaultValue = Checkpoints.DEFAULT,
      description =
          "A file (.gguf, .bin, .safetensors), a directory (Hugging Face layout), a built-in model"
              + " (gpt2-shakespeare or stories260K), or a pulled model. Default:"
              + " ${DEFAULT-VALUE}")
  private String model;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Mixin private ConfigMixin config;

  /**
   * Opens the model, with its own tokenizer unless another one is given, and prints its
   * assumptions.
   */
  public Checkpoint open(Optional<Path> tokenizer, Console console) throws IOException {
    Checkpoint checkpoint =
        ModelNames.open(model, config.options(tokenizer), EnvironmentDefaults.of(spec));
    checkpoint.notes().forEach(console::warn);
    return checkpoint;
  }
}
