package dev.tandem.cli.options;

import dev.tandem.settings.ModelSource;
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
      defaultValue = ModelSource.DEFAULT,
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
}
