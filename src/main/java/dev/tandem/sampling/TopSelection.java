package dev.tandem.sampling;

import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Finds the best logits of rows, and the logarithms of what the rows sum to. It reads a row in
 * short runs, in loops that the virtual machine turns into vector instructions. One thread uses it.
 */
public final class TopSelection {
  private final int vocabSize;
  private final double[] temperatures;
  private final KeyHeap heap;
  private final int size;
  private final float[] run = new float[Nucleus.RUN];
  private final float[] weights = new float[Nucleus.RUN];

  /**
   * A selection.
   *
   * @param vocabSize logits of a row
   * @param k entries; above the vocabulary's size all logits become entries
   * @param temperatures those of the sums; each is above 0
   */
  public TopSelection(int vocabSize, int k, double[] temperatures) {
    this.vocabSize = vocabSize;
    this.temperatures = temperatures.clone();
    size = Math.min(k, vocabSize);
    heap = new KeyHeap(size);
  }

  /**
   * The best logits of a row.
   *
   * @param row {@code [vocabSize]} f32 from index {@code offset}; not modified
   */
  public TopLogits of(FloatBuffer row, int offset) {
    select(row, offset);
    int[] ids = new int[size];
    float[] logits = new float[size];
    while (heap.size() > 0) {
      heap.pop(); // the worst goes to the array's end, the best ends up at index 0
    }
    for (int i = 0; i < size; i++) {
      ids[i] = KeyHeap.id(~heap.popped(i));
      float logit = row.get(offset + ids[i]); // a key does not tell the two zeros apart
      logits[i] = Float.isNaN(logit) ? Float.NEGATIVE_INFINITY : logit;
    }
    double[] logSums = new double[temperatures.length];
    float best = Math.min(logits[0], Float.MAX_VALUE);
    for (int i = 0; i < logSums.length; i++) {
      logSums[i] = logSum(row, offset, best, temperatures[i]);
    }
    return new TopLogits(vocabSize, ids, logits, temperatures, logSums);
  }

  /** Leaves the complements of the best keys in the heap, the worst of them on top. */
  private void select(FloatBuffer row, int offset) {
    heap.clear();
    float worst = Float.NEGATIVE_INFINITY;
    for (int begin = 0; begin < vocabSize; begin += Nucleus.RUN) {
      int n = Math.min(Nucleus.RUN, vocabSize - begin);
      row.get(offset + begin, run, 0, n);
      int i = 0;
      for (; i < n && heap.size() < size; i++) {
        float logit = Float.isNaN(run[i]) ? Float.NEGATIVE_INFINITY : run[i];
        heap.append(~KeyHeap.key(logit, begin + i));
        if (heap.size() == size) {
          heap.heapify();
          worst = KeyHeap.value(~heap.top());
        }
      }
      for (; i < n; i++) {
        if (run[i] > worst) { // an equal one with a higher id ranks lower; false for NaN
          heap.replaceTop(~KeyHeap.key(run[i], begin + i));
          worst = KeyHeap.value(~heap.top());
        }
      }
    }
  }

  private double logSum(FloatBuffer row, int offset, float best, double temperature) {
    if (best == Float.NEGATIVE_INFINITY) {
      return best;
    }
    double sum = sum(row, offset, best, temperature, false);
    if (!(sum <= vocabSize + Nucleus.RUN)) { // a NaN, or a positive infinity above the best
      sum = sum(row, offset, best, temperature, true);
    }
    return best / temperature + StrictMath.log(sum);
  }

  /** The sum of the weights; {@code read} reads logits as step 1 of docs/sampling.md does. */
  private double sum(FloatBuffer row, int offset, float best, double temperature, boolean read) {
    float inverse = (float) (1 / temperature);
    double sum = 0;
    for (int begin = 0; begin < vocabSize; begin += Nucleus.RUN) {
      int n = Math.min(Nucleus.RUN, vocabSize - begin);
      row.get(offset + begin, run, 0, n);
      Arrays.fill(run, n, Nucleus.RUN, Float.NEGATIVE_INFINITY);
      for (int i = 0; i < n && read; i++) {
        run[i] = Float.isNaN(run[i]) ? Float.NEGATIVE_INFINITY : Math.min(run[i], best);
      }
      Nucleus.weigh(run, best, inverse, weights);
      sum += Nucleus.sum(weights);
    }
    return sum;
  }
}
