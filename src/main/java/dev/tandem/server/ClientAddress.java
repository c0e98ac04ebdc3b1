package dev.tandem.server;

/** What the clients of one network address use together. Only the event loop uses it. */
final class ClientAddress {
  private final String host;
  private final Quota requests;
  private final Quota connections;
  private final Quota sequences;
  private final Runnable onUnused;

  /**
   * An address that uses nothing.
   *
   * @param maxRequests connections that have not sent their request
   * @param maxConnections admitted connections
   * @param maxSequences sequences that are open, lost or wait to be opened
   * @param onUnused called when it uses nothing any more
   */
  ClientAddress(
      String host, int maxRequests, int maxConnections, int maxSequences, Runnable onUnused) {
    this.host = host;
    this.requests = new Quota(maxRequests);
    this.connections = new Quota(maxConnections);
    this.sequences = new Quota(maxSequences);
    this.onUnused = onUnused;
  }

  String host() {
    return host;
  }

  Quota requests() {
    return requests;
  }

  Quota connections() {
    return connections;
  }

  Quota sequences() {
    return sequences;
  }

  /** One of its quotas was given something back. */
  void gaveBack() {
    if (requests.isUnused() && connections.isUnused() && sequences.isUnused()) {
      onUnused.run();
    }
  }
}
