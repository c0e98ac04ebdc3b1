package dev.tandem.settings;

import java.time.Duration;

/**
 * Is called when a server is lost, and when one is found. Generations wait meanwhile and then go on
 * by themselves. The thread that reconnects calls it; it must return soon.
 */
public interface ConnectionListener {

  /** Does nothing. */
  ConnectionListener NONE = new ConnectionListener() {};

  /**
   * A server is lost; the client looks for it, or for another one.
   *
   * @param server host and port
   * @param cause in words for the user
   */
  default void lost(String server, String cause) {}

  /**
   * A server was found, and the work goes on.
   *
   * @param server host and port
   * @param outage how long there was none
   * @param resumed whether it still held what it had computed; otherwise that is computed again
   */
  default void restored(String server, Duration outage, boolean resumed) {}
}
