package dev.tandem.cli;

import dev.tandem.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model, and which tokenizer if not its own. */
@Command(optionListHeading = "Model:")
final class TextModelMixin {
  @Mixin private ModelMixin model;

  @Option(
      names = {"-z", "--tokenizer"},
      paramLabel = "PATH",
      description = "A tokenizer's file or directory, or gpt2. Default: the one beside the model")
  private Optional<Path> tokenizer = Optional.empty();

  Checkpoint open() throws IOException {
    return model.open(tokenizer);
  }
}
