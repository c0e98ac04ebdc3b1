package dev.tandem.protocol;

/** Numbers that both ends share. */
public final class Protocol {
  /** The version that this code speaks. */
  public static final int VERSION = 1;

  /** Where a server offers the WebSocket. */
  public static final String PATH = "/v1/split";

  /** Where a server says what it offers, as plain JSON over HTTP. */
  public static final String INFO_PATH = "/v1/info";

  /** Steps of one sequence that may be under way at once. */
  public static final int MAX_IN_FLIGHT = 4;

  /** C at most. */
  public static final int MAX_CHUNK_ROWS = 1 << 16;

  /** Bytes of a client's control message at most. */
  public static final int MAX_CLIENT_TEXT_BYTES = 16 * 1024;

  /** Bytes of a server's control message at most; a list of tensor hashes is the longest. */
  public static final int MAX_SERVER_TEXT_BYTES = 4 * 1024 * 1024;

  /** Both ends send a ping this often; a peer that is silent for two intervals is dead. */
  public static final long PING_INTERVAL_MILLIS = 10_000;

  private Protocol() {}
}
