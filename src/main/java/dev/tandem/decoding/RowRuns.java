package dev.tandem.decoding;

import dev.tandem.stage.RowKind;
import java.util.Arrays;

/**
 * Which rows of a sequence were computed together as a prompt, and which one by one: what a replay
 * must know to give the same bits.
 *
 * <p>Prompt rows are computed in chunks, whose bits can depend on their number of rows. A prompt is
 * therefore replayed as a whole, also if its last rows were computed again later. Generated rows
 * are row-exact, so any number of them may be replayed at once.
 */
final class RowRuns {
  private int[] begins = new int[4];
  private int[] ends = new int[4];
  private RowKind[] kinds = new RowKind[4];
  private boolean[] complete = new boolean[4];
  private int size;

  /**
   * Rows were computed; they replace those from their first position on.
   *
   * @param completes whether prompt rows end with these
   */
  void computed(int from, int to, RowKind kind, boolean completes) {
    while (size > 0 && begins[size - 1] >= from) {
      size--;
    }
    int last = size - 1;
    if (last >= 0 && kinds[last] == RowKind.GENERATED) {
      ends[last] = Math.min(ends[last], from);
    }
    boolean goesOn = last >= 0 && kinds[last] == kind && ends[last] == from && !complete[last];
    if (!goesOn) {
      last = size++;
      reserve();
      begins[last] = from;
      kinds[last] = kind;
    }
    ends[last] = to;
    complete[last] = kind == RowKind.PROMPT && completes;
  }

  private void reserve() {
    if (size > begins.length) {
      begins = Arrays.copyOf(begins, 2 * size);
      ends = Arrays.copyOf(ends, 2 * size);
      kinds = Arrays.copyOf(kinds, 2 * size);
      complete = Arrays.copyOf(complete, 2 * size);
    }
  }

  /** Number of runs. */
  int size() {
    return size;
  }

  /** First position of a run. */
  int begin(int run) {
    return begins[run];
  }

  /** One past the last position of a run as it was computed. */
  int end(int run) {
    return ends[run];
  }

  /** Whether it is a prompt, or a part of one. */
  RowKind kind(int run) {
    return kinds[run];
  }

  /** Whether a run is a whole prompt. */
  boolean isComplete(int run) {
    return complete[run];
  }
}
