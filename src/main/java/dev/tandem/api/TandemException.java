package dev.tandem.api;

import dev.tandem.settings.Remediable;
import dev.tandem.settings.Remedy;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that Tandem was asked for cannot be done. The message says in one line what is wrong;
 * subclasses say whose fault it is. If a setting can mend it, {@link #remedies} says which, and the
 * message ends with them. A mistake in a program (a method called after {@code close}, an argument
 * out of range) is an {@link IllegalStateException} or an {@link IllegalArgumentException} instead.
 */
public class TandemException extends RuntimeException implements Remediable {

  /**
   * An exception.
   *
   * @param message one line for the user
   * @param cause what it follows from, or null
   */
  public TandemException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  @Override
  public String statement() {
    return getCause() instanceof Remediable fault
        ? fault.statement()
        : String.valueOf(getMessage());
  }

  @Override
  public List<Remedy> remedies() {
    return getCause() instanceof Remediable fault ? fault.remedies() : List.of();
  }
}
