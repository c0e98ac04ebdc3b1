package dev.tandem.tokenizer.bpe;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The merges of adjacent tokens: an open-addressing hash table from (left id, right id) to
 * (priority, merged id). It is filled once, then only read.
 */
public final class MergeTable {
  /** The result of {@link #find} for a pair that does not merge. */
  static final int NONE = -1;

  private static final long EMPTY = -1; // no pair packs to it: ids are not negative

  private long[] pairs;
  private int[] priorities;
  private int[] merged;
  private int size;

  /** An empty table with room for so many merges; it grows. */
  public MergeTable(int expectedSize) {
    int capacity = Integer.highestOneBit(Math.max(expectedSize, 8)) << 2;
    allocate(capacity);
  }

  /**
   * Adds a pair unless the table has it.
   *
   * @param priority not negative; pairs with lower priority merge first
   * @return whether it was added
   */
  public boolean add(int left, int right, int priority, int mergedId) {
    if (2 * (size + 1) > pairs.length) {
      grow();
    }
    long pair = pack(left, right);
    int slot = slotOf(pair);
    if (pairs[slot] == pair) {
      return false;
    }
    pairs[slot] = pair;
    priorities[slot] = priority;
    merged[slot] = mergedId;
    size++;
    return true;
  }

  /** The slot of a pair, for {@link #priority} and {@link #merged}; {@link #NONE} if absent. */
  public int find(int left, int right) {
    long pair = pack(left, right);
    int slot = slotOf(pair);
    return pairs[slot] == pair ? slot : NONE;
  }

  int priority(int slot) {
    return priorities[slot];
  }

  /** The token that the merge in a slot makes. */
  public int merged(int slot) {
    return merged[slot];
  }

  /** The pairs {@code left << 32 | right} in the order of their priorities. */
  public long[] pairsByPriority() {
    return IntStream.range(0, pairs.length)
        .filter(slot -> pairs[slot] != EMPTY)
        .boxed()
        .sorted(Comparator.comparingInt(slot -> priorities[slot]))
        .mapToLong(slot -> pairs[slot])
        .toArray();
  }

  private static long pack(int left, int right) {
    return ((long) left << 32) | right;
  }

  private int slotOf(long pair) {
    int mask = pairs.length - 1;
    long hash = pair * 0x9E3779B97F4A7C15L; // 2^64 / golden ratio: spreads consecutive ids
    int slot = (int) (hash >>> 32) & mask;
    while (pairs[slot] != pair && pairs[slot] != EMPTY) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    long[] oldPairs = pairs;
    int[] oldPriorities = priorities;
    int[] oldMerged = merged;
    allocate(2 * oldPairs.length);
    for (int i = 0; i < oldPairs.length; i++) {
      if (oldPairs[i] != EMPTY) {
        int slot = slotOf(oldPairs[i]);
        pairs[slot] = oldPairs[i];
        priorities[slot] = oldPriorities[i];
        merged[slot] = oldMerged[i];
      }
    }
  }

  private void allocate(int capacity) {
    pairs = new long[capacity];
    Arrays.fill(pairs, EMPTY);
    priorities = new int[capacity];
    merged = new int[capacity];
  }
}
