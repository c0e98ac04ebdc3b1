package dev.tandem.cli.terminal;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** Every option may come from the environment: {@code --max-tokens} from TANDEM_MAX_TOKENS. */
public final class EnvironmentDefaults implements IDefaultValueProvider {
  private final Map<String, String> environment;

  /**
   * @param environment variables and their values
   */
  EnvironmentDefaults(Map<String, String> environment) {
    this.environment = environment;
  }

  /** The variables that a command runs with. */
  public static Map<String, String> of(CommandSpec command) {
    return command.commandLine().getDefaultValueProvider() instanceof EnvironmentDefaults defaults
        ? defaults.environment
        : System.getenv();
  }

  @Override
  public @Nullable String defaultValue(ArgSpec arg) {
    if (!(arg instanceof OptionSpec option) || option.usageHelp() || option.versionHelp()) {
      return null;
    }
    String value = environment.get(variable(option));
    if (value == null || value.isEmpty()) {
      return null;
    }
    return isFlag(option) ? flag(value) : value;
  }

  /** Where a wrong value came from if the user did not write it on the command line. */
  String origin(ParameterException e) {
    if (!(e.getArgSpec() instanceof OptionSpec option)) {
      return "";
    }
    String value = environment.get(variable(option));
    boolean named = value != null && String.valueOf(e.getMessage()).contains("'" + value + "'");
    return named ? ", from " + variable(option) : "";
  }

  /** Whether the environment has a value for a command's option. */
  public static boolean gives(CommandSpec command, String option) {
    OptionSpec found = command.findOption(option);
    return found != null && !of(command).getOrDefault(variable(found), "").isEmpty();
  }

  private static String variable(OptionSpec option) {
    return "TANDEM_"
        + option.longestName().replaceFirst("^-+", "").replace('-', '_').toUpperCase(Locale.ROOT);
  }

  private static boolean isFlag(OptionSpec option) {
    return option.type() == boolean.class;
  }

  private static String flag(String value) {
    return switch (value.toLowerCase(Locale.ROOT)) {
      case "1", "yes", "on" -> "true";
      case "0", "no", "off" -> "false";
      default -> value;
    };
  }
}
