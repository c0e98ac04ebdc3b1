package dev.tandem.api;

import org.jspecify.annotations.Nullable;

/** A model's files are missing, damaged or not supported, or cannot be loaded here. */
public final class ModelException extends TandemException {

  /**
   * An exception.
   *
   * @param message one line for the user
   * @param cause what it follows from, or null
   */
  public ModelException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
