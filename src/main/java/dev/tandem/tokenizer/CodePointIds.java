package dev.tandem.tokenizer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Ids by code point: a page for every 256 code points of which one has an id. */
final class CodePointIds {
  private static final int PAGE_LOG2 = 8;

  private final int @Nullable [][] pages =
      new int[(Character.MAX_CODE_POINT >>> PAGE_LOG2) + 1] @Nullable [];

  /** Gives a code point an id unless it has one. */
  void putIfAbsent(int codePoint, int id) {
    int number = codePoint >>> PAGE_LOG2;
    int[] page = pages[number];
    if (page == null) {
      page = new int[1 << PAGE_LOG2];
      Arrays.fill(page, -1);
      pages[number] = page;
    }
    int at = codePoint & ((1 << PAGE_LOG2) - 1);
    if (page[at] < 0) {
      page[at] = id;
    }
  }

  /** The id of a code point, or -1. */
  int get(int codePoint) {
    int[] page = pages[codePoint >>> PAGE_LOG2];
    return page == null ? -1 : page[codePoint & ((1 << PAGE_LOG2) - 1)];
  }
}
