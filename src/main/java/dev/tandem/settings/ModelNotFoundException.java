package dev.tandem.settings;

import java.io.FileNotFoundException;

/** There is no such model on this machine, but the name is one that a hub may know. */
public final class ModelNotFoundException extends FileNotFoundException {
  private static final long serialVersionUID = 1;

  private final String hubName;

  /**
   * A missing model.
   *
   * @param message one line for the user
   * @param hubName the name by which the model can be pulled from a hub
   * @param cause what was looked for
   */
  public ModelNotFoundException(String message, String hubName, FileNotFoundException cause) {
    super(message);
    this.hubName = hubName;
    initCause(cause);
  }

  /** The name by which the model can be pulled from a hub. */
  public String hubName() {
    return hubName;
  }
}
