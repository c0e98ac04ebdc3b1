package dev.tandem.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How a generated text is shown. */
@Command(optionListHeading = "Output:")
final class OutputMixin {
  @Option(
      names = "--no-echo",
      fallbackValue = "true",
      description = "Print only what is added to the prompt.")
  boolean noEcho;

  @Option(
      names = "--json",
      fallbackValue = "true",
      description = "One JSON object with ids, text and timings, at the end.")
  boolean json;
}
