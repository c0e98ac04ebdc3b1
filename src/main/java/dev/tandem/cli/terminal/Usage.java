package dev.tandem.cli.terminal;

import dev.tandem.settings.InvalidSettingException;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** Errors about the values of options. Each knows its option, and so the variable it came from. */
public final class Usage {
  /** The options of settings that have another name. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "stopStrings", "--stop",
          "contexts", "--context",
          "batches", "--batch",
          "layers", "--split",
          "servedLayers", "--layers",
          "clientLayers", "--at",
          "activationEval", "--gelu",
          "chunkRows", "--chunk");

  private Usage() {}

  /**
   * A wrong value.
   *
   * @param option its longest name
   * @param rule what holds for right values, such as {@code must be in [0, 1]}
   */
  public static ParameterException wrong(
      CommandSpec command, String option, String rule, Object got) {
    return error(command, option, rule, String.valueOf(got), null);
  }

  /** A setting that the library refuses, as the option that the user wrote. */
  static ParameterException of(CommandSpec command, InvalidSettingException e) {
    return error(command, option(e.setting()), e.rule(), e.got(), e);
  }

  private static ParameterException error(
      CommandSpec command, String option, String rule, String got, @Nullable Throwable cause) {
    OptionSpec found = command.findOption(option);
    String message = option + " " + rule + ", got " + Messages.oneLine(got);
    return found == null
        ? new ParameterException(command.commandLine(), message, cause)
        : new ParameterException(command.commandLine(), message, cause, found, null);
  }

  /** The option of a setting: {@code --top-p} for {@code topP}. */
  static String option(String setting) {
    String known = OPTIONS.get(setting);
    return known != null
        ? known
        : "--" + setting.replaceAll("(?<=[a-z])(?=[A-Z])", "-").toLowerCase(Locale.ROOT);
  }
}
