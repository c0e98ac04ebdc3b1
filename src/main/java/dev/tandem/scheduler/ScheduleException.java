package dev.tandem.scheduler;

/** A scheduler refused a request, or failed; the message is one line for the peer. */
public final class ScheduleException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Reason {
    /** The offer does not contain the layers. */
    LAYERS,
    /** No room for another sequence. */
    CAPACITY,
    /** The scheduler is being closed and takes no new sequence. */
    CLOSING,
    /** More rows, positions or steps than allowed. */
    LIMIT,
    /** The step does not continue the sequence, or cuts a chunk. */
    POSITION,
    /** The sequence, its lane or the scheduler is closed. */
    CLOSED,
    /** The sequence is closed, because another one needed its room. */
    RECLAIMED,
    /** The stage failed; the sequence is closed. */
    INTERNAL
  }

  private final Reason reason;

  /** An exception with its reason. */
  ScheduleException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** An exception with its reason and what caused it. */
  ScheduleException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
