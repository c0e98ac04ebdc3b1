package dev.tandem.tokenizer.bpe;

import java.util.Arrays;

/**
 * The merge loop of byte pair encoding: while any adjacent pair of symbols merges, it merges the
 * pair with the lowest priority, the leftmost of equals. It takes O(n log n). For few symbols a
 * scan of all pairs, which takes O(n^2), is faster and gives the same result.
 */
public final class PairMerger {
  /** Up to this number of symbols the scan is faster; most words of a text have fewer. */
  private static final int SCAN_LIMIT = 48;

  private PairMerger() {}

  /**
   * Merges within {@code symbols[0..n)} in place.
   *
   * @return the number of remaining symbols; the array behind them is undefined
   */
  public static int merge(int[] symbols, int n, MergeTable table) {
    return n <= SCAN_LIMIT ? scan(symbols, n, table) : heap(symbols, n, table);
  }

  static int scan(int[] symbols, int n, MergeTable table) {
    int[] slots = new int[Math.max(n, 1)]; // slots[i]: the pair (i, i + 1)
    for (int i = 0; i + 1 < n; i++) {
      slots[i] = table.find(symbols[i], symbols[i + 1]);
    }
    int left = n;
    while (true) {
      int best = -1;
      int bestPriority = Integer.MAX_VALUE;
      for (int i = 0; i + 1 < left; i++) {
        if (slots[i] != MergeTable.NONE && table.priority(slots[i]) < bestPriority) {
          best = i;
          bestPriority = table.priority(slots[i]);
        }
      }
      if (best < 0) {
        return left;
      }
      symbols[best] = table.merged(slots[best]);
      left--;
      System.arraycopy(symbols, best + 2, symbols, best + 1, left - best - 1);
      System.arraycopy(slots, best + 1, slots, best, left - best - 1);
      if (best > 0) {
        slots[best - 1] = table.find(symbols[best - 1], symbols[best]);
      }
      if (best + 1 < left) {
        slots[best] = table.find(symbols[best], symbols[best + 1]);
      }
    }
  }

  static int heap(int[] symbols, int n, MergeTable table) {
    return new LinkedSymbols(symbols, n, table).merge();
  }

  /**
   * The symbols as a doubly linked list by position, and a heap of its mergeable pairs. A heap
   * entry is {@code priority << 32 | position of the left symbol}, so that equal priorities leave
   * the heap from left to right. Entries are not removed when a neighbour's merge changes their
   * pair: an entry counts only if the pair that is now at its position has the same priority.
   */
  private static final class LinkedSymbols {
    private static final int DEAD = -2;

    private final int[] symbols;
    private final int n;
    private final MergeTable table;
    private final int[] previous;
    private final int[] next;
    private final int[]
        slots; // the pair that begins here; NONE; DEAD: merged into a symbol to the left
    private final LongHeap heap;

    LinkedSymbols(int[] symbols, int n, MergeTable table) {
      this.symbols = symbols;
      this.n = n;
      this.table = table;
      previous = new int[n];
      next = new int[n];
      slots = new int[n];
      Arrays.fill(slots, MergeTable.NONE);
      heap = new LongHeap(n);
      for (int i = 0; i < n; i++) {
        previous[i] = i - 1;
        next[i] = i + 1;
      }
      for (int i = 0; i + 1 < n; i++) {
        refresh(i);
      }
    }

    int merge() {
      while (!heap.isEmpty()) {
        long entry = heap.poll();
        int at = (int) entry;
        int slot = slots[at];
        if (slot >= 0 && table.priority(slot) == (int) (entry >>> 32)) {
          mergeAt(at, table.merged(slot));
        }
      }
      int count = 0;
      for (int i = 0; i < n; i = next[i]) {
        symbols[count++] = symbols[i];
      }
      return count;
    }

    private void mergeAt(int at, int mergedId) {
      int right = next[at];
      symbols[at] = mergedId;
      slots[right] = DEAD;
      next[at] = next[right];
      if (next[at] < n) {
        previous[next[at]] = at;
      }
      refresh(at);
      if (previous[at] >= 0) {
        refresh(previous[at]);
      }
    }

    private void refresh(int at) {
      int right = next[at];
      slots[at] = right < n ? table.find(symbols[at], symbols[right]) : MergeTable.NONE;
      if (slots[at] != MergeTable.NONE) {
        heap.add(((long) table.priority(slots[at]) << 32) | at);
      }
    }
  }
}
