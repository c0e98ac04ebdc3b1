package dev.tandem.cli.options;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The option for another tokenizer than the model's own. */
@Command(optionListHeading = "Model:")
public final class TokenizerOptionMixin {
  @Option(
      names = {"-z", "--tokenizer"},
      paramLabel = "PATH",
      description = "A tokenizer's file or directory, or gpt2. Default: the model's own")
  private Optional<Path> tokenizer = Optional.empty();

  /** The path, if there is one. */
  public Optional<Path> given() {
    return tokenizer;
  }
}
