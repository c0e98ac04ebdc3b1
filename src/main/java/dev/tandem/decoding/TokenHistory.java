package dev.tandem.decoding;

import java.util.Arrays;

/** The ids of a sequence from its beginning, and how many of them the stages have computed. */
final class TokenHistory {
  private int[] ids = new int[0];
  private int size;
  private int computed;

  /** Ids so far. */
  int size() {
    return size;
  }

  /** Ids whose rows are in the stages' caches: a beginning of them. */
  int computed() {
    return computed;
  }

  /** Makes room, so that adding up to so many ids in all allocates nothing. */
  void reserve(int capacity) {
    if (ids.length < capacity) {
      ids = Arrays.copyOf(ids, capacity);
    }
  }

  void add(int id) {
    reserve(size + 1);
    ids[size++] = id;
  }

  void addAll(int[] more) {
    reserve(size + more.length);
    System.arraycopy(more, 0, ids, size, more.length);
    size += more.length;
  }

  void setComputed(int count) {
    computed = count;
  }

  /** The ids, at least {@link #size} of them; not a copy. */
  int[] ids() {
    return ids;
  }

  int[] copy(int from, int to) {
    return Arrays.copyOfRange(ids, from, to);
  }
}
