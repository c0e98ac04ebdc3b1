package dev.tandem.cli;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.weights.Checkpoints;
import dev.tandem.weights.TokenizerFiles;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Which tokenizer, without a model. */
@Command(optionListHeading = "Tokenizer:")
final class TokenizerMixin {
  @Option(
      names = {"-z", "--tokenizer"},
      paramLabel = "PATH",
      defaultValue = Checkpoints.DEFAULT,
      description =
          "gpt2 (built in), a built-in model's name, or a tokenizer's file or directory. Default:"
              + " ${DEFAULT-VALUE}")
  private String tokenizer;

  Tokenizer open() throws IOException {
    return TokenizerFiles.open(tokenizer);
  }
}
