package dev.tandem.protocol;

/** Numbers that both ends share. */
public final class Protocol {
  /** The version that this code speaks. */
  public static final int VERSION = 1;

  /** The path of the server's WebSocket. */
  public static final String PATH = "/v1/split";

  /** The path of the server's offer, as plain JSON over HTTP. */
  public static final String INFO_PATH = "/v1/info";

  /** The path of a client's part of a model, over HTTP. */
  public static final String PART_PATH = "/v1/part";

  /** How the ETag of a part begins whose matrices have a smaller type than the model's. */
  public static final String APPROXIMATE_TAG = "approximate-";

  /**
   * The feature of servers that answer with the best logits: reply {@code topk}, and {@code row}.
   */
  public static final String TOP_K = "topk";

  /** The feature of servers that keep the sequences of lost connections: {@code resume}. */
  public static final String RESUME = "resume";

  /**
   * The feature of servers that keep whole chunks of prompts for a client: {@code prefix} in {@code
   * open}, and {@code first_position} in {@code opened}.
   */
  public static final String PREFIX = "prefix";

  /** The largest number of unanswered steps of one sequence. */
  public static final int MAX_IN_FLIGHT = 4;

  /** The largest C. */
  public static final int MAX_CHUNK_ROWS = 1 << 16;

  /** The largest client's control message in bytes. */
  public static final int MAX_CLIENT_TEXT_BYTES = 16 * 1024;

  /**
   * The largest server's control message in bytes; a list of tensor hashes is the longest message.
   */
  public static final int MAX_SERVER_TEXT_BYTES = 4 * 1024 * 1024;

  /** Both ends send a ping this often; a peer that is silent for two intervals is dead. */
  public static final long PING_INTERVAL_MILLIS = 10_000;

  private Protocol() {}
}
