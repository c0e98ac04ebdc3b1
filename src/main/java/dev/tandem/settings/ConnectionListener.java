package dev.tandem.settings;

import java.time.Duration;

/**
 * Is called when a server is silent or lost, and when one is found. Generations wait meanwhile and
 * then go on by themselves. It must return soon.
 */
public interface ConnectionListener {

  /** Does nothing. */
  ConnectionListener NONE = new ConnectionListener() {};

  /**
   * A server from which answers are awaited is silent, perhaps because the network is. If it is
   * heard again, the work goes on without another call; otherwise it is {@link #lost} some time
   * later.
   *
   * @param server host and port
   * @param since for at least how long
   */
  default void silent(String server, Duration since) {}

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
