package dev.tandem.api;

import org.jspecify.annotations.Nullable;

/** A request does not fit the model: its prompt is too long, has an unknown id, or the like. */
public final class RequestException extends TandemException {

  /**
   * An exception.
   *
   * @param message one line for the user
   * @param cause what it follows from, or null
   */
  public RequestException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
