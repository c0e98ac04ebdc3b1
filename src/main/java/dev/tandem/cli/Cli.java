package dev.tandem.cli;

import dev.tandem.weights.ModelFormatException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** How every command is run: where defaults come from, and how failures are told. */
final class Cli {
  static final int FAILURE = 1;
  static final int USAGE = 2;
  static final int INTERRUPTED = 130;

  private Cli() {}

  /** Runs a command and ends the process: with 0, 1 for a failure, 2 for wrong usage. */
  static void main(Object command, String... args) {
    int code = commandLine(command).execute(Aliases.resolve(args));
    Interrupts.finished();
    System.exit(code);
  }

  static CommandLine commandLine(Object command) {
    CommandLine line = new CommandLine(command);
    line.setOut(Console.utf8(FileDescriptor.out));
    line.setErr(Console.utf8(FileDescriptor.err));
    line.setUsageHelpAutoWidth(true);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUnmatchedOptionsArePositionalParams(false);
    line.setDefaultValueProvider(new EnvironmentDefaults());
    line.setParameterExceptionHandler(Cli::usageError);
    line.setExecutionExceptionHandler(Cli::failure);
    return line;
  }

  private static int usageError(ParameterException e, String[] args) {
    CommandLine line = e.getCommandLine();
    String name = line.getCommandSpec().qualifiedName();
    line.getErr().println(name + ": " + oneLine(e.getMessage()) + " (see " + name + " --help)");
    line.getErr().flush();
    return USAGE;
  }

  private static int failure(Exception e, CommandLine line, ParseResult parsed) {
    line.getErr().println(line.getCommandSpec().qualifiedName() + ": " + message(e));
    if (parsed.hasMatchedOption("--verbose") || hasVerbose(parsed)) {
      e.printStackTrace(line.getErr());
    }
    line.getErr().flush();
    return FAILURE;
  }

  private static boolean hasVerbose(ParseResult parsed) {
    return parsed.hasSubcommand()
        && (parsed.subcommand().hasMatchedOption("--verbose") || hasVerbose(parsed.subcommand()));
  }

  /** One line that says what is wrong. */
  private static String message(Throwable e) {
    if (e instanceof UncheckedIOException && e.getCause() != null) {
      return message(e.getCause());
    }
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile() + ": no such file";
    }
    if (e instanceof AccessDeniedException denied) {
      return denied.getFile() + ": permission denied";
    }
    if (e instanceof OutOfMemoryError) {
      return "out of memory: " + oneLine(e.getMessage());
    }
    boolean ours =
        e instanceof ModelFormatException
            || e instanceof IOException
            || e.getClass().getName().startsWith("dev.tandem.");
    String text = e.getMessage() == null ? e.getClass().getSimpleName() : oneLine(e.getMessage());
    return ours || e instanceof IllegalArgumentException
        ? text
        : text + " (" + e.getClass().getSimpleName() + "; run with --verbose for details)";
  }

  private static String oneLine(String text) {
    return text == null ? "unknown error" : text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  /** Every option may come from the environment: {@code --max-tokens} from TANDEM_MAX_TOKENS. */
  private static final class EnvironmentDefaults implements IDefaultValueProvider {
    @Override
    public String defaultValue(ArgSpec arg) {
      if (!(arg instanceof OptionSpec option) || option.hidden() || option.versionHelp()) {
        return null;
      }
      String name = option.longestName();
      if (!name.startsWith("--") || option.usageHelp()) {
        return null;
      }
      String variable = "TANDEM_" + name.substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
      String value = System.getenv(variable);
      return value == null || value.isEmpty() ? null : value;
    }
  }
}
