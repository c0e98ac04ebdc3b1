package dev.tandem.api;

import org.jspecify.annotations.Nullable;

/** A server cannot be reached, refuses, offers another model, or failed in the middle of a step. */
public final class ServerException extends TandemException {

  /**
   * An exception.
   *
   * @param message one line for the user
   * @param cause what it follows from, or null
   */
  public ServerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
