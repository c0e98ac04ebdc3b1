package dev.tandem.endpoints;

import dev.tandem.settings.InvalidSettingException;
import java.time.Duration;

/**
 * How long a server waits.
 *
 * @param pingInterval between pings to clients
 * @param drain for its clients' work when it is closed
 * @param resumeGrace for a client to resume the sequences of a lost connection; zero: they are
 *     freed at once
 */
public record ServerTimes(Duration pingInterval, Duration drain, Duration resumeGrace) {

  /** Pings every 10 s, 2 s to drain, 60 s to resume. */
  public static final ServerTimes DEFAULTS =
      new ServerTimes(
          ConnectionOptions.PING_INTERVAL, Duration.ofSeconds(2), Duration.ofSeconds(60));

  /** Checks the ranges. */
  public ServerTimes {
    InvalidSettingException.require(
        pingInterval.toMillis() >= 1, "pingInterval", "must be at least 1 ms", pingInterval);
    InvalidSettingException.require(
        !drain.isNegative(), "drainTimeout", "must be at least 0 ms", drain);
    InvalidSettingException.require(
        !resumeGrace.isNegative(), "resumeGrace", "must be at least 0 ms", resumeGrace);
  }

  /** The same with another interval of pings. */
  public ServerTimes withPingInterval(Duration value) {
    return new ServerTimes(value, drain, resumeGrace);
  }

  /** The same with another time to drain. */
  public ServerTimes withDrain(Duration value) {
    return new ServerTimes(pingInterval, value, resumeGrace);
  }

  /** The same with another time to resume. */
  public ServerTimes withResumeGrace(Duration value) {
    return new ServerTimes(pingInterval, drain, value);
  }
}
