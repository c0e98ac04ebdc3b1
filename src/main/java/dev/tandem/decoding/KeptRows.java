package dev.tandem.decoding;

import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Rows of a sequence at one place of the chain, {@code [positions, dModel]}: those that went into a
 * stage last. It grows with the sequence, to context x dModel x 4 bytes at most.
 */
final class KeptRows {
  private final int dModel;
  private float[] rows = new float[0];

  KeptRows(int dModel) {
    this.dModel = dModel;
  }

  /**
   * Keeps rows in place of those that were at their positions before.
   *
   * @param in the rows, from row {@code inRow} on
   */
  void put(int position, int n, FloatBuffer in, int inRow) {
    int end = Math.multiplyExact(position + n, dModel);
    if (rows.length < end) {
      rows =
          Arrays.copyOf(rows, Math.max(end, (int) Math.min(2L * rows.length, Integer.MAX_VALUE)));
    }
    in.get(inRow * dModel, rows, position * dModel, n * dModel);
  }

  /** Writes the rows of positions {@code from .. to-1} from the buffer's index 0 on. */
  void get(int from, int to, FloatBuffer out) {
    out.put(0, rows, from * dModel, (to - from) * dModel);
  }
}
