package dev.tandem.api;

import dev.tandem.model.ModelFormatException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model's files are missing, damaged or not supported, or cannot be loaded here; or they cannot
 * be written or downloaded.
 */
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

  /**
   * An exception with the message of its cause.
   *
   * @param cause says in one line what is wrong
   */
  public ModelException(Throwable cause) {
    super(cause.getMessage() == null ? cause.toString() : cause.getMessage(), cause);
  }

  /** What a tensor or field of the files must be; empty if the fault is another one. */
  public Optional<String> expected() {
    return getCause() instanceof ModelFormatException e ? e.expected() : Optional.empty();
  }

  /** What that tensor or field is; empty if the fault is another one. */
  public Optional<String> got() {
    return getCause() instanceof ModelFormatException e ? e.got() : Optional.empty();
  }
}
