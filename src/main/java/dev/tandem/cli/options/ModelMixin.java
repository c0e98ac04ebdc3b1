package dev.tandem.cli.options;

import dev.tandem.cli.terminal.Console;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.Models;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
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

  /** Which model it is, with its own tokenizer unless another one is given. */
  public ModelSource source(Optional<Path> tokenizer) {
    return config.source(spec, model, tokenizer);
  }

  /** Opens it, with its own tokenizer unless another one is given; notes what was assumed. */
  Checkpoint open(Optional<Path> tokenizer, Console console) throws IOException {
    Checkpoint checkpoint = Models.open(source(tokenizer), LoadListener.NONE);
    checkpoint.notes().forEach(console::warn);
    return checkpoint;
  }
}
