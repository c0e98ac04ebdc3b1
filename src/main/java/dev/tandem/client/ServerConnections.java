package dev.tandem.client;

import dev.tandem.endpoints.ConnectionOptions;
import java.io.IOException;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes connections. One that was made to ask a server is kept for whoever opens a stage there
 * next. Safe for use by many threads.
 */
public final class ServerConnections implements AutoCloseable {
  private final ConnectionOptions options;

  // Guarded by this.
  private final Map<URI, ServerConnection> idle = new HashMap<>();
  private boolean closed;

  /**
   * Without connections.
   *
   * @param options of all of them
   */
  public ServerConnections(ConnectionOptions options) {
    this.options = options;
  }

  /**
   * A connection to a server, kept or new, which the caller closes.
   *
   * @throws IOException if there is no such server; the message is for the user
   */
  public ServerConnection take(URI server) throws IOException {
    ServerConnection kept;
    synchronized (this) {
      kept = idle.remove(server);
    }
    if (kept != null && kept.lostCause().isEmpty()) {
      return kept;
    }
    return ServerConnection.connect(server, options);
  }

  /** Keeps an unused connection; it is closed if there is one to that server already. */
  void keep(URI server, ServerConnection connection) {
    synchronized (this) {
      ServerConnection other = idle.get(server);
      if (!closed && (other == null || !other.lostCause().isEmpty())) {
        idle.put(server, connection);
        return;
      }
    }
    connection.close();
  }

  /** Closes the connections that were not taken. */
  public void closeIdle() {
    List<ServerConnection> unused;
    synchronized (this) {
      unused = List.copyOf(idle.values());
      idle.clear();
    }
    unused.forEach(ServerConnection::close);
  }

  /** Closes what is idle, and keeps nothing from then on. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    closeIdle();
  }
}
