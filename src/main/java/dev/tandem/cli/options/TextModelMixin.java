package dev.tandem.cli.options;

import dev.tandem.cli.terminal.Console;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.ModelSource;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The options for the model, and for another tokenizer. */
@Command(optionListHeading = "Model:")
public final class TextModelMixin {
  @Mixin private ModelMixin model;
  @Mixin private TokenizerOptionMixin tokenizer;

  /** Which model it is. */
  public ModelSource source() {
    return model.source(tokenizer.given());
  }

  /** Opens the model; notes what was assumed. */
  public Checkpoint open(Console console) throws IOException {
    return model.open(tokenizer.given(), console);
  }
}
