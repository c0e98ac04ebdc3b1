package dev.tandem.cli.client;

import dev.tandem.cli.options.ConfigMixin;
import dev.tandem.cli.options.TokenizerOptionMixin;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.WeightType;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options for the client's model, which may be the server's. */
@Command(optionListHeading = "Model:")
final class ClientModelMixin {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = {"-c", "--model"},
      paramLabel = "MODEL",
      description =
          "A file (.gguf, .bin, .safetensors), a directory (Hugging Face layout), a built-in model"
              + " (gpt2-shakespeare or stories260K), or a pulled model. Default: the server's, of"
              + " which the client downloads its part once")
  private Optional<String> model = Optional.empty();

  @Option(
      names = "--approximate",
      paramLabel = "TYPE",
      description =
          "Without -c: download the matrices in this smaller type (f16, bf16, q8_0 or q4_0) in place"
              + " of the model's own; the text is then no longer that of the whole model.")
  private Optional<WeightType> approximate = Optional.empty();

  @Mixin private ConfigMixin config;
  @Mixin private TokenizerOptionMixin tokenizer;

  /** The type to download instead of the model's own; a usage error if there are files. */
  Optional<WeightType> approximate() {
    if (approximate.isPresent() && model.isPresent()) {
      throw new ParameterException(
          spec.commandLine(),
          "--approximate is for a client without files; with -c, use --type at both ends");
    }
    return approximate;
  }

  /** Which model it is. */
  ModelSource source() {
    return config.source(spec, model.orElse(ModelSource.ofServer().name()), tokenizer.given());
  }
}
