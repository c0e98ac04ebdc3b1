package dev.tandem.cli.generation;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The options of the output. */
@Command(optionListHeading = "Output:")
final class OutputMixin {
  @Option(
      names = "--no-echo",
      fallbackValue = "true",
      description = "Print only the text that is added to the prompt.")
  boolean noEcho;

  @Option(
      names = "--json",
      fallbackValue = "true",
      description =
          "At the end, one JSON object with ids, text, timings, and why it ended: stop, length or"
              + " cancelled.")
  boolean json;
}
