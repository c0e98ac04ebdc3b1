package dev.tandem.cli;

import java.util.Map;

/**
 * llama2.c's option names. They are replaced before the command line is parsed, so that help and
 * messages know only one name for each option.
 */
final class Aliases {
  private static final Map<String, String> NAMES =
      Map.of(
          "--checkpoint", "--model",
          "--steps", "--max-tokens",
          "--p_value", "--top-p",
          "--input_prompt", "--prompt",
          "--system_prompt", "--system");

  private Aliases() {}

  /** The arguments with aliases replaced, up to a {@code --} that ends the options. */
  static String[] resolve(String... args) {
    String[] resolved = args.clone();
    for (int i = 0; i < args.length && !args[i].equals("--"); i++) {
      int equals = args[i].indexOf('=');
      String name = equals < 0 ? args[i] : args[i].substring(0, equals);
      resolved[i] = NAMES.getOrDefault(name, name) + args[i].substring(name.length());
    }
    return resolved;
  }
}
