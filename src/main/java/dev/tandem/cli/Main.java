package dev.tandem.cli;

import picocli.CommandLine.Command;

/** {@code tandem}: all commands. */
@Command(
    name = "tandem",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Runs GPT-2 and Llama models, whole or split between two machines.",
    subcommands = {
      GenerateCommand.class,
      ServerCommand.class,
      ClientCommand.class,
      TokenizeCommand.class,
      DetokenizeCommand.class,
      InspectCommand.class,
      BenchCommand.class,
      CompletionCommand.class
    })
public final class Main {

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String[] args) {
    Cli.main(new Main(), args);
  }
}
