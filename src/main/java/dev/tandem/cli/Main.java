package dev.tandem.cli;

import dev.tandem.cli.client.ClientCommand;
import dev.tandem.cli.measure.BenchCommand;
import dev.tandem.cli.measure.CompareCommand;
import dev.tandem.cli.measure.PerplexityCommand;
import dev.tandem.cli.models.ConvertCommand;
import dev.tandem.cli.models.InspectCommand;
import dev.tandem.cli.models.PullCommand;
import dev.tandem.cli.models.SplitCommand;
import dev.tandem.cli.models.SynthesizeCommand;
import dev.tandem.cli.server.ServerCommand;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Version;
import dev.tandem.cli.text.DetokenizeCommand;
import dev.tandem.cli.text.GenerateCommand;
import dev.tandem.cli.text.TokenizeCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code tandem}: all commands. */
@Command(
    name = Main.NAME,
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = "Runs GPT-2 and Llama models, whole or split between two machines.",
    footerHeading = "%n",
    footer =
        "tandem COMMAND --help explains a command. Every option may also come from the environment"
            + " (--max-tokens from TANDEM_MAX_TOKENS) or from a file of arguments (@FILE).",
    subcommands = {
      GenerateCommand.class,
      ServerCommand.class,
      ClientCommand.class,
      TokenizeCommand.class,
      DetokenizeCommand.class,
      InspectCommand.class,
      PullCommand.class,
      ConvertCommand.class,
      SplitCommand.class,
      SynthesizeCommand.class,
      PerplexityCommand.class,
      BenchCommand.class,
      CompareCommand.class,
      CompletionCommand.class
    })
public final class Main implements Runnable {
  static final String NAME = "tandem";

  @Spec private CommandSpec spec;

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String[] args) {
    Cli.main(NAME, new Main(), args);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "no command given; for example: tandem generate \"ROMEO:\"");
  }
}
