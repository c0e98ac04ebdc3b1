package dev.tandem.cli.generation;

import dev.tandem.generation.GenerationRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The options that decide where a text ends. */
@Command(optionListHeading = "Length:")
final class EndingMixin {
  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      defaultValue = "256",
      description = "The largest number of tokens to generate. Default: ${DEFAULT-VALUE}")
  private int maxTokens;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End before this text. Repeatable. Default: none")
  private List<String> stop = List.of();

  @Option(
      names = "--ignore-eos",
      fallbackValue = "true",
      description = "Continue where the model would end the text.")
  private boolean ignoreEos;

  /**
   * Adds the options to a request.
   *
   * @throws IllegalArgumentException naming what is out of range
   */
  GenerationRequest apply(GenerationRequest request) {
    return request.maxTokens(maxTokens).stopStrings(stop).ignoreEos(ignoreEos);
  }
}
