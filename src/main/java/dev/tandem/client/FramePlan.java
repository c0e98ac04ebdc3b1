package dev.tandem.client;

import dev.tandem.protocol.SequenceLimits;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import java.util.ArrayList;
import java.util.List;

/**
 * One frame of a batch entry.
 *
 * @param from its first row, counted within the entry
 * @param nRows its rows
 * @param promptEnd whether it ends a run of prompt rows
 * @param outBegin its first wanted row, counted within the frame
 * @param nOut its wanted rows
 * @param outRow where they go, counted within the entry's wanted rows
 */
record FramePlan(int from, int nRows, boolean promptEnd, int outBegin, int nOut, int outRow) {

  /**
   * Cuts an entry: prompt rows at every multiple of C, generated rows where a limit demands it. A
   * chunk of which more rows are wanted than a result may have is sent again for the rest: that
   * truncates the sequence to its beginning and computes the same bits.
   */
  static List<FramePlan> cut(Batch batch, int entry, SequenceLimits limits) {
    List<FramePlan> plans = new ArrayList<>();
    int rows = batch.nRows(entry);
    boolean prompt = batch.kind(entry) == RowKind.PROMPT;
    int wantedBegin = batch.outBegin(entry);
    int wantedEnd = wantedBegin + batch.nOut(entry);
    for (int from = 0; from < rows; ) {
      int first = Math.max(wantedBegin, from);
      int n = Math.min(rows - from, limits.maxRows());
      if (prompt) {
        n = Math.min(n, limits.maxRows() - (batch.position(entry) + from) % limits.maxRows());
      } else if (first < wantedEnd) {
        n = Math.min(n, first - from + limits.maxOutRows());
      }
      boolean end = prompt && batch.promptEnd(entry) && from + n == rows;
      int last = Math.min(wantedEnd, from + n);
      if (first >= last) {
        plans.add(new FramePlan(from, n, end, 0, 0, 0));
      }
      for (int at = first; at < last; at += limits.maxOutRows()) {
        int nOut = Math.min(limits.maxOutRows(), last - at);
        plans.add(new FramePlan(from, n, end, at - from, nOut, at - wantedBegin));
      }
      from += n;
    }
    return plans;
  }
}
