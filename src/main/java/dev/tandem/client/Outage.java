package dev.tandem.client;

import dev.tandem.settings.ConnectionListener;
import java.time.Duration;

/** Tells a listener once that a server is lost, and once that the work goes on. */
final class Outage {
  private final ConnectionListener listener;
  private boolean lasts;
  private long beginNanos;

  Outage(ConnectionListener listener) {
    this.listener = listener;
  }

  /** A server is silent; it is not known yet whether it is lost. */
  synchronized void silent(String server, Duration since) {
    if (!lasts) {
      listener.silent(server, since);
    }
  }

  /** Whether a server was lost, and none computes again yet. */
  synchronized boolean lasts() {
    return lasts;
  }

  /** A server is lost. */
  synchronized void begin(String server, String cause) {
    if (!lasts) {
      lasts = true;
      beginNanos = System.nanoTime();
      listener.lost(server, cause);
    }
  }

  /**
   * A server computes again.
   *
   * @param resumed whether it still holds the rows
   */
  synchronized void end(String server, boolean resumed) {
    if (lasts) {
      lasts = false;
      listener.restored(server, Duration.ofNanos(System.nanoTime() - beginNanos), resumed);
    }
  }
}
