package dev.tandem.client;

import java.io.IOException;
import java.net.URI;
import java.util.List;

/** A connection to a server; safe for use by many threads. */
public final class ServerConnection implements AutoCloseable {

  private ServerConnection() {}

  /**
   * Connects and asks what the server offers.
   *
   * @param uri e.g. {@code ws://127.0.0.1:8080/v1/split}
   * @throws IOException if there is no server, or it does not answer; the message is for the user
   */
  public static ServerConnection connect(URI uri, ConnectionOptions options) throws IOException {
    throw new UnsupportedOperationException(uri + " " + options);
  }

  /** What the server offers; at least one. */
  public List<RemoteModel> models() {
    throw new UnsupportedOperationException();
  }

  /**
   * A stage on the server. Closing it closes its sequences, not the connection.
   *
   * @throws IOException if the server's model, layers or profile are not those wanted; the message
   *     says both
   */
  public RemoteStage stage(StageRequest request) throws IOException {
    throw new UnsupportedOperationException(request.toString());
  }

  /** What the connection has carried so far. */
  public WireStats stats() {
    throw new UnsupportedOperationException();
  }

  /** Closes the connection; the server frees its sequences. Idempotent. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
