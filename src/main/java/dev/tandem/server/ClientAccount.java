package dev.tandem.server;

import java.util.Optional;

/** What the clients of one API key use together, and may use. Only the event loop uses it. */
final class ClientAccount {
  private final String name;
  private final boolean anonymous;
  private final long maxBytes;
  private final Optional<String> prefixScope;
  private final Quota connections;
  private final Quota sequences;

  /**
   * An account that has used nothing.
   *
   * @param maxBytes see {@link #maxBytes}
   * @param prefixScope see {@link #prefixScope}
   */
  ClientAccount(
      String name,
      int maxConnections,
      int maxSequences,
      long maxBytes,
      Optional<String> prefixScope) {
    this(name, false, maxConnections, maxSequences, maxBytes, prefixScope);
  }

  private ClientAccount(
      String name,
      boolean anonymous,
      int maxConnections,
      int maxSequences,
      long maxBytes,
      Optional<String> prefixScope) {
    this.maxBytes = maxBytes;
    this.prefixScope = prefixScope;
    this.name = name;
    this.anonymous = anonymous;
    this.connections = new Quota(maxConnections);
    this.sequences = new Quota(maxSequences);
  }

  /** The account of all clients of a server without keys. */
  static ClientAccount anonymous(boolean sharePrefixes) {
    return new ClientAccount(
        "anonymous",
        true,
        Integer.MAX_VALUE,
        Integer.MAX_VALUE,
        Long.MAX_VALUE,
        sharePrefixes ? Optional.of("") : Optional.empty());
  }

  /**
   * Whose chunks of prompts are found for these clients: those of accounts with an equal scope.
   * Empty if none are kept.
   */
  Optional<String> prefixScope() {
    return prefixScope;
  }

  /** The name in the file of keys. */
  String name() {
    return name;
  }

  /** Whether its clients showed no key, and have nothing else in common. */
  boolean isAnonymous() {
    return anonymous;
  }

  Quota connections() {
    return connections;
  }

  /** Sequences that are open, lost or wait to be opened. */
  Quota sequences() {
    return sequences;
  }

  /** Bytes of KV cache that its sequences of one model may reserve together. */
  long maxBytes() {
    return maxBytes;
  }
}
