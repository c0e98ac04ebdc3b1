package dev.tandem.stage;

import java.io.IOException;

/**
 * A stage has lost a sequence: the machine that runs it is gone, or no longer holds it. The same
 * rows can be computed again in a new sequence, with the same bits.
 */
public final class StageLostException extends IOException {
  private static final long serialVersionUID = 1L;

  /** A loss, in words for the user. */
  public StageLostException(String message) {
    super(message);
  }

  /** A loss with its cause. */
  public StageLostException(String message, Throwable cause) {
    super(message, cause);
  }
}
