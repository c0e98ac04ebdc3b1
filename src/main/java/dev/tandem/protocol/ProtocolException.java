package dev.tandem.protocol;

import java.io.IOException;

/**
 * A message of a peer is refused. Corrupt messages have the code {@link ErrorCode#PROTOCOL}, long
 * ones {@link ErrorCode#TOO_LONG} or {@link ErrorCode#LIMIT}.
 */
public final class ProtocolException extends IOException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;
  private final int request;
  private final int sequence;

  /** Creates an error that belongs to no request. */
  public ProtocolException(ErrorCode code, String message) {
    this(code, message, 0, 0);
  }

  /**
   * Creates an error about a request.
   *
   * @param request the request's id, 0 if unknown
   * @param sequence the sequence's id, 0 if unknown
   */
  public ProtocolException(ErrorCode code, String message, int request, int sequence) {
    super(message);
    this.code = code;
    this.request = request;
    this.sequence = sequence;
  }

  /** The same error with its request, which the thrower did not know. */
  ProtocolException about(int knownRequest, int knownSequence) {
    return new ProtocolException(code, String.valueOf(getMessage()), knownRequest, knownSequence);
  }

  /** The reason. */
  public ErrorCode code() {
    return code;
  }

  /** The refused request; 0 if unknown. */
  public int request() {
    return request;
  }

  /** The sequence of the request; 0 if unknown. */
  public int sequence() {
    return sequence;
  }
}
