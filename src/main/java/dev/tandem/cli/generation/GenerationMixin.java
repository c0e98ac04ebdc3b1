package dev.tandem.cli.generation;

import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.Prompt;
import java.io.IOException;
import picocli.CommandLine.Mixin;

/** The options of one generation that do not depend on where the model runs. */
public final class GenerationMixin {
  @Mixin private PromptMixin prompt;
  @Mixin private EndingMixin ending;
  @Mixin private SamplingMixin sampling;
  @Mixin OutputMixin output;

  /**
   * Checks the options, so that wrong ones are reported before a model is opened, and returns the
   * prompt.
   */
  public String checkedPrompt() throws IOException {
    request(Prompt.ids());
    return prompt.text();
  }

  /** The request; a usage error names a value that does not fit the model. */
  GenerationRequest request(TextModel model, String text) {
    return request(prompt.prompt(model.tokenizer(), text));
  }

  private GenerationRequest request(Prompt continued) {
    return ending.apply(GenerationRequest.of(continued).sampling(sampling.options()));
  }
}
