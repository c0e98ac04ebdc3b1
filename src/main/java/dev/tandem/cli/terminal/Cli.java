package dev.tandem.cli.terminal;

import dev.tandem.settings.InvalidSettingException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Runs every command, and ends the process. */
public final class Cli {
  public static final int FAILURE = 1;
  public static final int USAGE = 2;
  public static final int INTERRUPTED = 130;

  private Cli() {}

  /**
   * Runs a command and ends the process: with 0, 1 for a failure, 2 for wrong usage. If the reader
   * of the output went away, such as {@code head}, the command ends quietly.
   *
   * @param name the name of the program
   */
  public static void main(String name, Object command, String... args) {
    StandardStream out = new StandardStream(FileDescriptor.out, Console.STDOUT);
    PrintWriter err = new StandardStream(FileDescriptor.err, Console.STDERR).writer();
    int code =
        run(name, command, out.writer(), err, Utf8Arguments.environment(), Utf8Arguments.of(args));
    Optional<IOException> failure = out.failure();
    if (failure.isPresent()) {
      err.println(name + ": cannot write the output: " + Messages.of(failure.get()));
      err.flush();
      code = FAILURE;
    }
    System.exit(code);
  }

  /** Runs a command and returns the process's exit code. */
  public static int run(
      String name,
      Object command,
      PrintWriter out,
      PrintWriter err,
      Map<String, String> environment,
      String... args) {
    CommandLine line = commandLine(name, command, new EnvironmentDefaults(environment));
    line.setOut(out);
    line.setErr(err);
    try {
      int code = line.execute(ArgumentFiles.expanded(args));
      out.flush();
      return code;
    } catch (IOException e) {
      err.println(name + ": " + Messages.of(e));
      err.flush();
      return USAGE;
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      err.println(name + ": " + Messages.of(e));
      if (List.of(args).contains(GeneralMixin.VERBOSE)) {
        e.printStackTrace(err);
      }
      err.flush();
      return FAILURE;
    }
  }

  /** How a command line is read. */
  public static CommandLine commandLine(
      String name, Object command, EnvironmentDefaults environment) {
    CommandLine line = new CommandLine(command);
    line.setCommandName(name);
    line.setUsageHelpAutoWidth(true);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUnmatchedOptionsArePositionalParams(false);
    line.setExpandAtFiles(false);
    line.setAbbreviatedOptionsAllowed(false);
    line.setDefaultValueProvider(environment);
    line.setExecutionStrategy(
        parsed -> {
          environment.notes().forEach(line.getErr()::println);
          line.getErr().flush();
          return new CommandLine.RunLast().execute(parsed);
        });
    OptionWords.apply(line);
    Values.apply(line);
    line.setParameterExceptionHandler((e, args) -> usageError(e, environment));
    line.setExecutionExceptionHandler((e, failed, parsed) -> failure(e, failed, environment));
    HelpLayout.apply(line);
    return line;
  }

  private static int usageError(ParameterException e, EnvironmentDefaults environment) {
    CommandLine line = e.getCommandLine();
    String name = line.getCommandSpec().qualifiedName();
    line.getErr()
        .println(
            name + ": " + Messages.of(e) + environment.origin(e) + " (see " + name + " --help)");
    line.getErr().flush();
    return USAGE;
  }

  private static int failure(Exception e, CommandLine line, EnvironmentDefaults environment) {
    CommandSpec spec = line.getCommandSpec();
    line.getOut().flush();
    if (e instanceof InvalidSettingException setting) {
      return usageError(Usage.of(spec, setting), environment);
    }
    line.getErr().println(spec.qualifiedName() + ": " + Messages.of(e));
    if (GeneralMixin.isVerbose(spec)) {
      e.printStackTrace(line.getErr());
    }
    line.getErr().flush();
    return FAILURE;
  }
}
