package dev.tandem.cli.generation;

import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationRequest;
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
    request(new int[0]);
    return prompt.text();
  }

  /** The request; a usage error names a value that does not fit the model. */
  GenerationRequest.Builder request(TextModel model, String text) {
    return request(prompt.promptIds(model.tokenizer(), text));
  }

  private GenerationRequest.Builder request(int[] promptIds) {
    return ending.apply(GenerationRequest.builder(promptIds).sampling(sampling.options()));
  }
}
