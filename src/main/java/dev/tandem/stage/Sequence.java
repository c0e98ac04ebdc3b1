package dev.tandem.stage;

/** One sequence's state (its KV cache) in one {@link Stage}. */
public interface Sequence extends AutoCloseable {

  /** Positions computed so far. */
  int length();

  /** Positions that were asked for when it was opened. */
  int capacity();

  /** Frees the state; idempotent. Using the sequence afterwards is an IllegalStateException. */
  @Override
  void close();
}
