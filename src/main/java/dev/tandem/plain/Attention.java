package dev.tandem.plain;

import dev.tandem.model.ModelConfig;

/** Causal attention of one row for one query head; sums of the softmax are f64. */
final class Attention {
  private final int headDim;
  private final int kvWidth;
  private final int headsPerKvHead;
  private final float scale;

  Attention(ModelConfig config) {
    headDim = config.headDim();
    kvWidth = config.nKvHeads() * headDim;
    headsPerKvHead = config.nHeads() / config.nKvHeads();
    scale = (float) (1 / Math.sqrt(headDim));
  }

  /**
   * Writes {@code headDim} values to {@code out}, starting at {@code to}.
   *
   * @param q holds the query: {@code headDim} values, starting at {@code from}
   * @param keys {@code [positions, nKvHeads * headDim]}
   * @param values likewise
   * @param nSeen positions that the row sees: {@code 0 .. nSeen - 1}
   */
  void attend(
      float[] out, int to, float[] q, int from, int head, float[] keys, float[] values, int nSeen) {
    int column = head / headsPerKvHead * headDim;
    float[] weights = new float[nSeen];
    float max = Float.NEGATIVE_INFINITY;
    for (int t = 0; t < nSeen; t++) {
      int at = t * kvWidth + column;
      float sum = 0;
      for (int i = 0; i < headDim; i++) {
        sum += q[from + i] * keys[at + i];
      }
      weights[t] = sum * scale;
      max = Math.max(max, weights[t]);
    }
    double total = 0;
    for (int t = 0; t < nSeen; t++) {
      weights[t] = (float) StrictMath.exp(weights[t] - max);
      total += weights[t];
    }
    float[] sums = new float[headDim];
    for (int t = 0; t < nSeen; t++) {
      float weight = weights[t];
      int at = t * kvWidth + column;
      for (int i = 0; i < headDim; i++) {
        sums[i] += weight * values[at + i];
      }
    }
    for (int i = 0; i < headDim; i++) {
      out[to + i] = (float) (sums[i] / total);
    }
  }
}
