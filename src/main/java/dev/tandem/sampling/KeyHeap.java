package dev.tandem.sampling;

/**
 * Ranks tokens by descending value, ties by ascending id, without objects: a (value, id) pair is
 * one long, larger for the better token, and a binary heap over those longs hands them out.
 */
final class KeyHeap {
  /** Below every key. */
  static final long LOWEST = Long.MIN_VALUE;

  private final long[] keys;
  private int size;

  /** A heap of at most {@code capacity} keys. */
  KeyHeap(int capacity) {
    keys = new long[capacity];
  }

  /** The key of a token; the value is not NaN. Both zeros rank alike. */
  static long key(float value, int id) {
    int bits = Float.floatToRawIntBits(value + 0.0f); // -0 + 0 = +0
    return ((long) flipNegative(bits) << 32) | (~id & 0xFFFFFFFFL);
  }

  static int id(long key) {
    return ~(int) key;
  }

  static float value(long key) {
    return Float.intBitsToFloat(flipNegative((int) (key >> 32)));
  }

  /**
   * Maps the bits of floats so that they compare as signed integers; the map is its own inverse.
   */
  private static int flipNegative(int bits) {
    return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
  }

  void clear() {
    size = 0;
  }

  int size() {
    return size;
  }

  /** Adds a key without ordering it; {@link #heapify} puts it in its place. */
  void append(long key) {
    keys[size++] = key;
  }

  /** Orders what was appended. */
  void heapify() {
    for (int i = size / 2 - 1; i >= 0; i--) {
      siftDown(i, keys[i]);
    }
  }

  /** The largest key. */
  long top() {
    return keys[0];
  }

  /** Replaces the largest key by {@code key}. */
  void replaceTop(long key) {
    siftDown(0, key);
  }

  /**
   * Removes and returns the largest key. It stays in the array, behind the heap: after all {@code
   * n} keys of a heap are popped, {@link #popped} gives them in ascending order.
   */
  long pop() {
    long top = keys[0];
    size--;
    if (size > 0) {
      siftDown(0, keys[size]);
    }
    keys[size] = top;
    return top;
  }

  /** The popped key at that index of the array; valid from {@link #size} to the former size. */
  long popped(int index) {
    return keys[index];
  }

  private void siftDown(int hole, long key) {
    int i = hole;
    while (true) {
      int child = 2 * i + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && keys[child + 1] > keys[child]) {
        child++;
      }
      if (keys[child] <= key) {
        break;
      }
      keys[i] = keys[child];
      i = child;
    }
    keys[i] = key;
  }
}
