package dev.tandem.cli.terminal;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** The options of every command. */
@Command(optionListHeading = "Other:")
public final class GeneralMixin {
  static final String VERBOSE = "--verbose";

  @Option(
      names = VERBOSE,
      fallbackValue = "true",
      description =
          "Notes on standard error even if it is not a terminal; stack traces with errors.")
  public boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  boolean version;

  /** Whether a command runs with {@code --verbose}. */
  static boolean isVerbose(CommandSpec command) {
    OptionSpec option = command.findOption(VERBOSE);
    return option != null && Boolean.TRUE.equals(option.getValue());
  }
}
