package dev.tandem.cli.terminal;

import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;

/**
 * llama2.c's option names. They are replaced before a command's arguments are parsed, so that help
 * and messages know only one name for each option.
 */
public final class Aliases implements IParameterPreprocessor {
  private static final Map<String, String> NAMES =
      Map.of(
          "--checkpoint", "--model",
          "--steps", "--max-tokens",
          "--p_value", "--top-p",
          "--input_prompt", "--prompt");

  /** Replaces aliases up to a {@code --} that ends the options; parsing then goes on. */
  @Override
  @SuppressWarnings("JdkObsolete") // picocli's signature
  public boolean preprocess(
      Stack<String> args, CommandSpec command, ArgSpec arg, Map<String, Object> info) {
    for (int i = args.size() - 1; i >= 0 && !args.get(i).equals("--"); i--) {
      args.set(i, resolve(args.get(i)));
    }
    return false;
  }

  private static String resolve(String argument) {
    int equals = argument.indexOf('=');
    String name = equals < 0 ? argument : argument.substring(0, equals);
    return NAMES.getOrDefault(name, name) + argument.substring(name.length());
  }
}
