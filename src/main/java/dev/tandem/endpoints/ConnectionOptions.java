package dev.tandem.endpoints;

import dev.tandem.settings.InvalidSettingException;
import java.time.Duration;

/**
 * How long a client waits.
 *
 * @param connectTimeout for the connection and the server's description of itself
 * @param openTimeout for a sequence to be opened
 * @param stepTimeout for one step; a guard against a server that lives but does not answer
 * @param pingInterval how often the server is asked for a sign of life; after two without one the
 *     connection is given up
 * @param security what the client shows, and whom it trusts
 */
public record ConnectionOptions(
    Duration connectTimeout,
    Duration openTimeout,
    Duration stepTimeout,
    Duration pingInterval,
    ClientSecurity security) {

  /** The protocol's own interval of pings, at both ends. */
  static final Duration PING_INTERVAL = Duration.ofSeconds(10);

  /** Without a key, and with Java's own trust. */
  public ConnectionOptions(
      Duration connectTimeout, Duration openTimeout, Duration stepTimeout, Duration pingInterval) {
    this(connectTimeout, openTimeout, stepTimeout, pingInterval, ClientSecurity.NONE);
  }

  /** Checks the times. */
  public ConnectionOptions {
    positive("connectTimeout", connectTimeout);
    positive("openTimeout", openTimeout);
    positive("stepTimeout", stepTimeout);
    positive("pingInterval", pingInterval);
  }

  /** 10 s to connect, 60 s to open, 10 min for a step, pings every 10 s. */
  public static ConnectionOptions defaults() {
    return new ConnectionOptions(
        Duration.ofSeconds(10),
        Duration.ofSeconds(60),
        Duration.ofMinutes(10),
        PING_INTERVAL,
        ClientSecurity.NONE);
  }

  /** The same with another time to connect. */
  public ConnectionOptions withConnectTimeout(Duration value) {
    return new ConnectionOptions(value, openTimeout, stepTimeout, pingInterval, security);
  }

  /** The same with another time for a sequence to be opened. */
  public ConnectionOptions withOpenTimeout(Duration value) {
    return new ConnectionOptions(connectTimeout, value, stepTimeout, pingInterval, security);
  }

  /** The same with another time for a step. */
  public ConnectionOptions withStepTimeout(Duration value) {
    return new ConnectionOptions(connectTimeout, openTimeout, value, pingInterval, security);
  }

  /** The same with another time between pings. */
  public ConnectionOptions withPingInterval(Duration value) {
    return new ConnectionOptions(connectTimeout, openTimeout, stepTimeout, value, security);
  }

  /** The same with other security. */
  public ConnectionOptions withSecurity(ClientSecurity value) {
    return new ConnectionOptions(connectTimeout, openTimeout, stepTimeout, pingInterval, value);
  }

  private static void positive(String name, Duration value) {
    InvalidSettingException.require(
        !value.isZero() && !value.isNegative(), name, "must be above 0", value);
  }
}
