package dev.tandem.cli.generation;

import dev.tandem.api.TextModel;
import dev.tandem.cli.terminal.Messages;
import dev.tandem.generation.GenerationRequest;
import java.io.IOException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Everything about one generation that does not depend on where the model runs. */
public final class GenerationMixin {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Mixin private PromptMixin prompt;
  @Mixin private EndingMixin ending;
  @Mixin private SamplingMixin sampling;
  @Mixin OutputMixin output;

  /** Checks the options, so that wrong ones are told before a model is opened; gives the prompt. */
  public String checkedPrompt() throws IOException {
    request(new int[0]);
    return prompt.text();
  }

  /** The request; a usage error names what does not fit the model. */
  GenerationRequest.Builder request(TextModel model, String text) {
    return request(prompt.promptIds(model.tokenizer(), text));
  }

  private GenerationRequest.Builder request(int[] promptIds) {
    try {
      return ending.apply(GenerationRequest.builder(promptIds).sampling(sampling.options()));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          spec.commandLine(), Messages.aboutOption(Messages.oneLine(e)), e);
    }
  }
}
