package dev.tandem.server;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** What the clients of one API key use together, and may use. Safe for use by many threads. */
final class ClientAccount {
  private final String name;
  private final boolean anonymous;
  private final int maxConnections;
  private final int maxSequences;
  private final long maxBytes;
  private final Optional<String> prefixScope;
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger sequences = new AtomicInteger();

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
    this.maxConnections = maxConnections;
    this.maxSequences = maxSequences;
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

  int maxSequences() {
    return maxSequences;
  }

  /** Bytes of KV cache that its sequences of one model may reserve together. */
  long maxBytes() {
    return maxBytes;
  }

  /** Counts one more connection; false if there may be no more. */
  boolean connect() {
    return increment(connections, maxConnections);
  }

  void disconnect() {
    connections.decrementAndGet();
  }

  /** Counts one more sequence; false if there may be no more. */
  boolean openSequence() {
    return increment(sequences, maxSequences);
  }

  void closeSequences(int n) {
    sequences.addAndGet(-n);
  }

  private static boolean increment(AtomicInteger count, int max) {
    return count.getAndUpdate(n -> n < max ? n + 1 : n) < max;
  }
}
