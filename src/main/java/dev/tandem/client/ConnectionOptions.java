package dev.tandem.client;

import dev.tandem.protocol.Protocol;
import java.time.Duration;

/**
 * The time limits of a client.
 *
 * @param connectTimeout for the connection and the server's offer
 * @param openTimeout for a sequence to be opened
 * @param stepTimeout for one step; a guard against a server that is alive but does not answer
 * @param pingInterval the time between pings to the server; after two unanswered pings the
 *     connection is closed
 */
public record ConnectionOptions(
    Duration connectTimeout, Duration openTimeout, Duration stepTimeout, Duration pingInterval) {

  /** 10 s to connect, 60 s to open, 10 min for a step, pings as the protocol says. */
  public static ConnectionOptions defaults() {
    return new ConnectionOptions(
        Duration.ofSeconds(10),
        Duration.ofSeconds(60),
        Duration.ofMinutes(10),
        Duration.ofMillis(Protocol.PING_INTERVAL_MILLIS));
  }
}
