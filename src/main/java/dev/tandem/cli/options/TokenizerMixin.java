package dev.tandem.cli.options;

import dev.tandem.cli.terminal.Console;
import dev.tandem.formats.Checkpoints;
import dev.tandem.runtime.Models;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option for a tokenizer without a model. */
@Command(optionListHeading = "Tokenizer:")
public final class TokenizerMixin {
  @Option(
      names = {"-z", "--tokenizer"},
      paramLabel = "PATH",
      defaultValue = Checkpoints.DEFAULT,
      description =
          "gpt2 (built in), the name of a built-in or a pulled model, or a tokenizer's file or"
              + " directory. Default: ${DEFAULT-VALUE}")
  private String tokenizer;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** Opens it; notes what was assumed. */
  public Tokenizer open() throws IOException {
    Tokenizer opened = Models.tokenizer(tokenizer, Optional.of(PulledModels.directory(spec)));
    opened.notes().forEach(Console.of(spec)::warn);
    return opened;
  }
}
