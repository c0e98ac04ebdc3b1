package dev.tandem.plain;

import dev.tandem.stage.Sequence;

/** The keys and values of one sequence, growing with it. */
final class PlainSequence implements Sequence {
  private final PlainStage stage;
  private final int capacity;
  private final Rows[] keys; // per layer: [positions, nKvHeads * headDim]
  private final Rows[] values;
  private int reserved;
  private volatile int length;
  private volatile boolean closed;

  PlainSequence(PlainStage stage, int capacity, int nBlocks, int kvWidth) {
    this.stage = stage;
    this.capacity = capacity;
    keys = new Rows[nBlocks];
    values = new Rows[nBlocks];
    for (int i = 0; i < nBlocks; i++) {
      keys[i] = new Rows(kvWidth);
      values[i] = new Rows(kvWidth);
    }
  }

  PlainStage stage() {
    return stage;
  }

  @Override
  public int length() {
    checkOpen();
    return length;
  }

  @Override
  public int capacity() {
    return capacity;
  }

  void setLength(int positions) {
    length = positions;
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
  }

  /** Makes room for that many positions. */
  void reserve(int positions) {
    if (positions > reserved) {
      reserved = (int) Math.min(capacity, Math.max(positions, 2L * reserved));
      for (int i = 0; i < keys.length; i++) {
        keys[i].reserve(reserved);
        values[i].reserve(reserved);
      }
    }
  }

  /** Copies positions of another sequence, and ends behind them. */
  void copyFrom(PlainSequence from, int fromPosition, int position, int count) {
    if (fromPosition < 0 || count < 1 || count > from.length() - fromPosition) {
      throw new IllegalArgumentException(
          count + " positions from " + fromPosition + " are not within " + from.length());
    }
    if (position < 0 || position > length() || count > capacity - position) {
      throw new IllegalArgumentException(
          count + " positions at " + position + " do not fit " + length() + " out of " + capacity);
    }
    reserve(position + count);
    for (int i = 0; i < keys.length; i++) {
      keys[i].copyFrom(from.keys[i], fromPosition, position, count);
      values[i].copyFrom(from.values[i], fromPosition, position, count);
    }
    length = position + count;
  }

  /** Keys of a layer, counted from the stage's first. */
  Rows keys(int layer) {
    return keys[layer];
  }

  Rows values(int layer) {
    return values[layer];
  }

  @Override
  public void close() {
    closed = true;
  }
}
