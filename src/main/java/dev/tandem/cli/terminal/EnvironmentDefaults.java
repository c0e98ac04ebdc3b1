package dev.tandem.cli.terminal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** Every option may come from the environment: {@code --max-tokens} from TANDEM_MAX_TOKENS. */
public final class EnvironmentDefaults implements IDefaultValueProvider {
  /** What Kubernetes and Docker set TANDEM_PORT to where a service is called tandem. */
  private static final Pattern SERVICE_ADDRESS = Pattern.compile("(tcp|udp|sctp)://.*");

  private final Map<String, String> environment;
  private final Map<OptionSpec, String> given = new HashMap<>();
  private final List<String> notes = new ArrayList<>();

  /**
   * @param environment variables and their values
   */
  public EnvironmentDefaults(Map<String, String> environment) {
    this.environment = environment;
  }

  /** The environment variables of a command. */
  public static Map<String, String> of(CommandSpec command) {
    return command.commandLine().getDefaultValueProvider() instanceof EnvironmentDefaults defaults
        ? defaults.environment
        : System.getenv();
  }

  /** The variable's value; none where help or the version is asked for, which always works. */
  @Override
  public @Nullable String defaultValue(ArgSpec arg) {
    if (!(arg instanceof OptionSpec option)
        || option.usageHelp()
        || option.versionHelp()
        || asksForHelp(option.command())) {
      return null;
    }
    String variable = variable(option);
    String value = environment.get(variable);
    if (value == null || value.isEmpty()) {
      return null;
    }
    if (option.longestName().equals("--port") && SERVICE_ADDRESS.matcher(value).matches()) {
      String note =
          variable
              + "="
              + value
              + " is ignored: it is the address of a service, as Kubernetes sets it, and not a port";
      if (!notes.contains(note)) {
        notes.add(note);
      }
      return null;
    }
    value = isFlag(option) ? flag(value) : value;
    given.put(option, value);
    return value.replace("$", "$$"); // picocli would put other variables in the place of ${...}
  }

  /** What the user should know of the variables; one line each. */
  List<String> notes() {
    return List.copyOf(notes);
  }

  /** The origin of a wrong value that is not from the command line. */
  String origin(ParameterException e) {
    if (!(e.getArgSpec() instanceof OptionSpec option)) {
      return "";
    }
    String value = given.get(option);
    boolean wrong = value != null && (e.getValue() == null || e.getValue().equals(value));
    return wrong ? ", from " + variable(option) : "";
  }

  /** Whether the environment has a value for a command's option. */
  public static boolean gives(CommandSpec command, String option) {
    OptionSpec found = command.findOption(option);
    return found != null && !of(command).getOrDefault(variable(found), "").isEmpty();
  }

  private static boolean asksForHelp(CommandSpec command) {
    CommandLine line = command.commandLine();
    return line != null && (line.isUsageHelpRequested() || line.isVersionHelpRequested());
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
