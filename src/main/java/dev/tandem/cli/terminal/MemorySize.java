package dev.tandem.cli.terminal;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.TypeConversionException;

/**
 * The value of an option that is an amount of memory: {@code 512M}, {@code 2G}, or bytes.
 *
 * @param bytes at least 0
 */
public record MemorySize(long bytes) {
  private static final Pattern WRITTEN = Pattern.compile("(\\d{1,15})([kmgt]?)(?:i?b)?");
  private static final String UNITS = "kmgt";
  private static final int KIBI = 10;

  /**
   * Reads what a user wrote: a whole number, and perhaps k, M, G or T, which are powers of 1024.
   */
  static MemorySize of(String written) {
    Matcher matcher = WRITTEN.matcher(written.strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new TypeConversionException(
          "'" + written + "' is no amount of memory, such as 512M or 2G");
    }
    int power = matcher.group(2).isEmpty() ? 0 : 1 + UNITS.indexOf(matcher.group(2));
    int shift = KIBI * power;
    long number = Long.parseLong(matcher.group(1));
    if (number > (Long.MAX_VALUE >> shift)) {
      throw new TypeConversionException("'" + written + "' is too large");
    }
    return new MemorySize(number << shift);
  }
}
