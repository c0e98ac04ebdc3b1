package dev.tandem.cli.options;

import dev.tandem.settings.ModelSource;
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
}
