package dev.tandem.protocol;

/** The reason why a peer refused something; {@code docs/protocol.md} lists them. */
public enum ErrorCode {
  /** A message is malformed, or not allowed here. */
  PROTOCOL("protocol", true),
  /** The peers speak different versions. */
  VERSION("version", true),
  /** A message is longer than its limit. */
  TOO_LONG("too-long", true),
  /** The server has no model with the requested hash. */
  MODEL("model", false),
  /** The server does not offer the requested layers. */
  LAYERS("layers", false),
  /** The server cannot provide the requested arithmetic. */
  PROFILE("profile", false),
  /** A reply kind or row type that this server does not have. */
  UNSUPPORTED("unsupported", false),
  /** No room for another sequence. */
  CAPACITY("capacity", false),
  /** More rows, positions or steps than the limits in {@code opened} allow. */
  LIMIT("limit", false),
  /** A step does not continue its sequence, or cuts a chunk. */
  POSITION("position", false),
  /** No such sequence is open on this connection. */
  UNKNOWN_SEQUENCE("unknown-sequence", false),
  /** The server failed; the named sequence is closed. */
  INTERNAL("internal", false);

  private final String wireName;
  private final boolean closesConnection;

  ErrorCode(String wireName, boolean closesConnection) {
    this.wireName = wireName;
    this.closesConnection = closesConnection;
  }

  /** The name in error messages. */
  public String wireName() {
    return wireName;
  }

  /** Whether the sender closes the connection after the error. */
  public boolean closesConnection() {
    return closesConnection;
  }
}
