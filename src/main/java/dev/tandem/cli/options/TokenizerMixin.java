package dev.tandem.cli.options;

import dev.tandem.api.Tandem;
import dev.tandem.cli.terminal.Console;
import dev.tandem.settings.ModelSource;
import dev.tandem.tokenizer.Tokenizer;
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
      defaultValue = ModelSource.DEFAULT,
      description =
          "gpt2 (built in), the name of a built-in or a pulled model, or a tokenizer's file or"
              + " directory. Default: ${DEFAULT-VALUE}")
  private String tokenizer;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** Opens it; notes what was assumed. */
  public Tokenizer open() {
    ModelSource source = ModelSource.of(tokenizer).withCache(ConfigMixin.cache(spec));
    Tokenizer opened = Tandem.tokenizer(source);
    opened.notes().forEach(Console.of(spec)::warn);
    return opened;
  }
}
