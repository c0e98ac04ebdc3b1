package dev.tandem.api;

import org.jspecify.annotations.Nullable;

/**
 * Something that Tandem was asked for cannot be done. The message says in one line what is wrong;
 * subclasses say whose fault it is. A mistake in a program (a method called after {@code close}, an
 * argument out of range) is an {@link IllegalStateException} or an {@link IllegalArgumentException}
 * instead.
 */
public class TandemException extends RuntimeException {

  /**
   * An exception.
   *
   * @param message one line for the user
   * @param cause what it follows from, or null
   */
  public TandemException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
