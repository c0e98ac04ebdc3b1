package dev.tandem.violations.cli;

import java.util.Formatter;

/** Words that look different in Farsi, and others that look different in Turkish. */
public final class ForeignDigits {
  private ForeignDigits() {}

  /** Three ways to write a number with the digits of the default locale. */
  public static String digits(int number) {
    return String.format("%d", number)
        + "%d".formatted(number)
        + new Formatter().format("%d", number);
  }

  /** Turkish has an i of its own. */
  @SuppressWarnings("StringCaseLocaleUsage") // that is the violation
  public static String letters(String name) {
    return name.toLowerCase() + name.toUpperCase();
  }
}
