package dev.tandem.engine;

/** A failure that the native core reported. */
public final class NativeException extends RuntimeException {
  private final String operation;
  private final int status;

  NativeException(String operation, int status, String message) {
    super(message);
    this.operation = operation;
    this.status = status;
  }

  /** The call that failed, e.g. {@code td_step}. */
  public String operation() {
    return operation;
  }

  /** The core's status code, one of {@code td_status} in {@code tandem.h}. */
  public int status() {
    return status;
  }
}
