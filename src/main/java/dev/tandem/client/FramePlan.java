package dev.tandem.client;

import dev.tandem.protocol.SequenceLimits;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.StepRows;
import java.util.ArrayList;
import java.util.List;

/**
 * One frame of a batch entry.
 *
 * @param from its first row, counted within the entry
 * @param rows its rows, with their output rows
 * @param outRow the place of its output rows, counted within the entry's output rows
 */
record FramePlan(int from, StepRows rows, int outRow) {

  /**
   * Cuts an entry: prompt rows at every multiple of C, generated rows where a limit requires it. If
   * a chunk has more output rows than a result may hold, it is sent again for the rest. This
   * truncates the sequence to the chunk's beginning and computes the same bits.
   */
  static List<FramePlan> cut(StepRows entry, SequenceLimits limits) {
    List<FramePlan> plans = new ArrayList<>();
    int outEnd = entry.outBegin() + entry.nOut();
    for (int from = 0; from < entry.count(); ) {
      int first = Math.max(entry.outBegin(), from);
      int n = Math.min(entry.count() - from, limits.maxRows());
      if (entry.kind() == RowKind.PROMPT) {
        n = entry.leftInChunk(from, limits.maxRows());
      } else if (first < outEnd) {
        n = Math.min(n, first - from + limits.maxOutRows());
      }
      StepRows rows = entry.cut(from, n);
      int done = 0;
      do {
        int nOut = Math.min(limits.maxOutRows(), rows.nOut() - done);
        int outRow = nOut == 0 ? 0 : first - entry.outBegin() + done;
        plans.add(new FramePlan(from, rows.withOutput(rows.outBegin() + done, nOut), outRow));
        done += nOut;
      } while (done < rows.nOut());
      from += n;
    }
    return plans;
  }
}
