package dev.tandem.stage;

/** One sequence's state (its KV cache) in one {@link Stage}. */
public interface Sequence extends AutoCloseable {

  /** The number of positions computed so far. */
  int length();

  /** The number of positions that were requested when it was opened. */
  int capacity();

  /** Frees the state; idempotent. Using the sequence afterwards is an IllegalStateException. */
  @Override
  void close();
}
