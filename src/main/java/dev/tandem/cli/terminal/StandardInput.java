package dev.tandem.cli.terminal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Standard input as an argument. */
public final class StandardInput {
  private StandardInput() {}

  /** All of standard input as UTF-8 where the argument is {@code -}, else the argument. */
  public static String textOr(String argument) throws IOException {
    return argument.equals("-")
        ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
        : argument;
  }
}
