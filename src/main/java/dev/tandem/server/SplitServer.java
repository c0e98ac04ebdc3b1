package dev.tandem.server;

import java.io.IOException;
import java.util.List;

/** A running server. */
public final class SplitServer implements AutoCloseable {

  private SplitServer() {}

  /**
   * Listens and serves until {@link #close}.
   *
   * @param models at least one, with different model hashes; closing the server closes the stages
   *     that it opened, not the providers
   * @throws IOException if the address cannot be listened on; the message is for the user
   */
  public static SplitServer start(ServerOptions options, List<OfferedModel> models)
      throws IOException {
    throw new UnsupportedOperationException(options.address() + models.size());
  }

  /** The port that it listens on. */
  public int port() {
    throw new UnsupportedOperationException();
  }

  /** Where clients connect, e.g. {@code ws://127.0.0.1:8080/v1/split}. */
  public String uri() {
    throw new UnsupportedOperationException();
  }

  /** Sequences whose memory is reserved. */
  public int activeSequences() {
    throw new UnsupportedOperationException();
  }

  /** Open connections. */
  public int activeConnections() {
    throw new UnsupportedOperationException();
  }

  /** Refuses new work, waits briefly for what is under way, frees everything; idempotent. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
