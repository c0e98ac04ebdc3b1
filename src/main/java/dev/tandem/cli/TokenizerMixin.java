package dev.tandem.cli;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.weights.Checkpoints;
import dev.tandem.weights.TokenizerFiles;
import java.io.IOException;
import picocli.CommandLine.Option;

/** Which tokenizer, without a model. */
final class TokenizerMixin {
  @Option(
      names = {"-z", "--tokenizer"},
      paramLabel = "TOKENIZER",
      defaultValue = Checkpoints.DEFAULT,
      description = {
        "gpt2 (built in), an embedded model's name, or the path of a tokenizer's files.",
        "Default: ${DEFAULT-VALUE}"
      })
  private String tokenizer;

  Tokenizer open() throws IOException {
    return TokenizerFiles.open(tokenizer);
  }
}
