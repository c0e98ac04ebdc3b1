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
    int wantedEnd = entry.wantedFrom() + entry.wanted();
    for (int from = 0; from < entry.count(); ) {
      int first = Math.max(entry.wantedFrom(), from);
      int n = Math.min(entry.count() - from, limits.maxRows());
      if (entry.kind() == RowKind.PROMPT) {
        n = entry.leftInChunk(from, limits.maxRows());
      } else if (first < wantedEnd) {
        n = Math.min(n, first - from + limits.maxOutRows());
      }
      StepRows rows = entry.cut(from, n);
      int done = 0;
      do {
        int wanted = Math.min(limits.maxOutRows(), rows.wanted() - done);
        int outRow = wanted == 0 ? 0 : first - entry.wantedFrom() + done;
        plans.add(new FramePlan(from, rows.withWanted(rows.wantedFrom() + done, wanted), outRow));
        done += wanted;
      } while (done < rows.wanted());
      from += n;
    }
    return plans;
  }
}
