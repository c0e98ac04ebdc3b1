package dev.tandem.cli.terminal;

import java.util.Map;
import java.util.Stack;
import picocli.CommandLine;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * What the words of a command line are, decided before picocli reads them. What stands after {@code
 * =} is an option's value whatever it looks like; so is what a default gives. A word of its own
 * that looks like an option is none, so that a forgotten value is noticed. llama2.c's names of
 * options become ours, so that help and messages know only one name for each.
 */
final class OptionWords implements IParameterPreprocessor {
  private static final String END_OF_OPTIONS = "--";

  /** What picocli takes for the end of options; no argument of a process can be equal to it. */
  private static final String END_MARK = "\0" + END_OF_OPTIONS;

  private static final Map<String, String> ALIASES =
      Map.of(
          "--checkpoint", "--model",
          "--steps", "--max-tokens",
          "--p_value", "--top-p",
          "--input_prompt", "--prompt");

  /** Applies it to a command and to all below it. */
  static void apply(CommandLine line) {
    line.setEndOfOptionsDelimiter(END_MARK);
    line.setAllowOptionsAsOptionParameters(true);
    applyToSpecs(line);
  }

  private static void applyToSpecs(CommandLine line) {
    line.getCommandSpec().preprocessor(new OptionWords());
    line.getSubcommands().values().forEach(OptionWords::applyToSpecs);
  }

  /**
   * Goes through the words of one command, up to a subcommand's name or the end of the options.
   *
   * @param words the first one is on top; changed in place
   * @return false: parsing goes on
   */
  @Override
  @SuppressWarnings("JdkObsolete") // picocli's signature
  public boolean preprocess(
      Stack<String> words, CommandSpec command, ArgSpec none, Map<String, Object> info) {
    for (int i = words.size() - 1; i >= 0; i--) {
      String word = words.get(i);
      if (word.equals(END_OF_OPTIONS)) {
        words.set(i, END_MARK);
        return false;
      }
      if (command.subcommands().containsKey(word)) {
        return false;
      }
      word = resolved(command, word);
      words.set(i, word);
      OptionSpec option = command.optionsMap().get(word);
      if (option != null && option.arity().min() > 0 && i > 0) {
        i--;
        requireValue(command, word, words.get(i));
      }
    }
    return false;
  }

  private static String resolved(CommandSpec command, String word) {
    int equals = word.indexOf('=');
    String name = equals < 0 ? word : word.substring(0, equals);
    String known = ALIASES.getOrDefault(name, name);
    return command.optionsMap().containsKey(known) ? known + word.substring(name.length()) : word;
  }

  private static void requireValue(CommandSpec command, String option, String next) {
    if (looksLikeOption(command, next)) {
      throw new ParameterException(
          command.commandLine(),
          option
              + " needs a value, but the option "
              + Messages.oneLine(next)
              + " follows; if that is the value, write "
              + option
              + "="
              + Messages.oneLine(next));
    }
  }

  private static boolean looksLikeOption(CommandSpec command, String word) {
    if (word.equals(END_OF_OPTIONS)) {
      return true;
    }
    String resolved = resolved(command, word);
    int equals = resolved.indexOf('=');
    return command.optionsMap().containsKey(equals < 0 ? resolved : resolved.substring(0, equals))
        || (word.length() > 2
            && word.charAt(0) == '-'
            && command.posixOptionsMap().containsKey(word.charAt(1)));
  }
}
