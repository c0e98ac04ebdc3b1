package dev.tandem.cli;

import dev.tandem.model.Checkpoint;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Which model, and which tokenizer if not its own. */
@Command(optionListHeading = "Model:")
final class TextModelMixin {
  @Mixin private ModelMixin model;
  @Mixin private TokenizerOptionMixin tokenizer;

  /** Opens the model; notes what was assumed. */
  Checkpoint open(Console console) throws IOException {
    return model.open(tokenizer.given(), console);
  }
}
