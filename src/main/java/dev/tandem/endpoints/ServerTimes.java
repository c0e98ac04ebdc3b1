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
 * @param queue for room for a sequence; zero: without room it is refused at once
 * @param idle for a step of a sequence, before another one that waits may get its room
 */
public record ServerTimes(
    Duration pingInterval, Duration drain, Duration resumeGrace, Duration queue, Duration idle) {

  /** Pings every 10 s, 2 s to drain, 60 s to resume, 10 s for room, 60 s for a step. */
  public static final ServerTimes DEFAULTS =
      new ServerTimes(
          ConnectionOptions.PING_INTERVAL,
          Duration.ofSeconds(2),
          Duration.ofSeconds(60),
          Duration.ofSeconds(10),
          Duration.ofSeconds(60));

  /** Checks the ranges. */
  public ServerTimes {
    InvalidSettingException.require(
        pingInterval.toMillis() >= 1, "pingInterval", "must be at least 1 ms", pingInterval);
    InvalidSettingException.require(
        !drain.isNegative(), "drainTimeout", "must be at least 0 ms", drain);
    InvalidSettingException.require(
        !resumeGrace.isNegative(), "resumeGrace", "must be at least 0 ms", resumeGrace);
    InvalidSettingException.require(
        !queue.isNegative(), "queueTimeout", "must be at least 0 ms", queue);
    InvalidSettingException.require(
        !idle.isNegative(), "idleTimeout", "must be at least 0 ms", idle);
  }

  /** The same with another interval of pings. */
  public ServerTimes withPingInterval(Duration value) {
    return new ServerTimes(value, drain, resumeGrace, queue, idle);
  }

  /** The same with another time to drain. */
  public ServerTimes withDrain(Duration value) {
    return new ServerTimes(pingInterval, value, resumeGrace, queue, idle);
  }

  /** The same with another time to resume. */
  public ServerTimes withResumeGrace(Duration value) {
    return new ServerTimes(pingInterval, drain, value, queue, idle);
  }

  /** The same with another time to wait for room. */
  public ServerTimes withQueue(Duration value) {
    return new ServerTimes(pingInterval, drain, resumeGrace, value, idle);
  }

  /** The same with another time to wait for a step. */
  public ServerTimes withIdle(Duration value) {
    return new ServerTimes(pingInterval, drain, resumeGrace, queue, value);
  }
}
