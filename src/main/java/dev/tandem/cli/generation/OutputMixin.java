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

  @Option(
      names = "--strict",
      fallbackValue = "true",
      description =
          "Fail where the bits would not be those of the whole model in the native core: with the"
              + " plain Java backend, or with rows that travel in fewer bits.")
  boolean strict;
}
