package dev.tandem.runtime;

import java.io.FileNotFoundException;

/** There is no such model here, but a hub may have it. */
public final class NotPulledException extends FileNotFoundException {
  private final String model;

  NotPulledException(String model, FileNotFoundException cause) {
    super(cause.getMessage());
    this.model = model;
    initCause(cause);
  }

  /** The name by which the model can be pulled. */
  public String model() {
    return model;
  }
}
