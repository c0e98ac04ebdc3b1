package dev.tandem.tokenizer.bpe;

import java.util.Arrays;

/** Finds ids by code point: one table for every 256 code points of which at least one has an id. */
final class CodePointIds {
  private static final int PAGE_LOG2 = 8;

  private static final int PAGE_SIZE = 1 << PAGE_LOG2;
  private static final int[] EMPTY = new int[PAGE_SIZE]; // shared, all -1

  static {
    Arrays.fill(EMPTY, -1);
  }

  private final int[][] pages = new int[(Character.MAX_CODE_POINT >>> PAGE_LOG2) + 1][];

  CodePointIds() {
    Arrays.fill(pages, EMPTY);
  }

  /** Gives a code point an id unless it has one. */
  void putIfAbsent(int codePoint, int id) {
    int page = codePoint >>> PAGE_LOG2;
    if (pages[page] == EMPTY) {
      pages[page] = EMPTY.clone();
    }
    int at = codePoint & (PAGE_SIZE - 1);
    if (pages[page][at] < 0) {
      pages[page][at] = id;
    }
  }

  /** The id of a code point, or -1. */
  int get(int codePoint) {
    return pages[codePoint >>> PAGE_LOG2][codePoint & (PAGE_SIZE - 1)];
  }
}
