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

  /** Whether the row has a NaN or a positive infinity. */
  private boolean needsCare;

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
    needsCare = false;
    float worst = Float.NEGATIVE_INFINITY;
    for (int begin = 0; begin < vocabSize; begin += Nucleus.RUN) {
      int n = Math.min(Nucleus.RUN, vocabSize - begin);
      row.get(offset + begin, run, 0, n);
      float highest = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < n; i++) {
        highest = Math.max(highest, run[i]); // NaN, if one is NaN
      }
      needsCare |= !(highest < Float.POSITIVE_INFINITY);
      if (heap.size() == size && highest <= worst) {
        continue;
      }
      for (int i = 0; i < n; i++) {
        int id = begin + i;
        float logit = Float.isNaN(run[i]) ? Float.NEGATIVE_INFINITY : run[i];
        if (heap.size() < size) {
          heap.append(~KeyHeap.key(logit, id));
          if (heap.size() == size) {
            heap.heapify();
            worst = KeyHeap.value(~heap.top());
          }
        } else if (logit > worst) { // an equal one with a higher id ranks lower
          heap.replaceTop(~KeyHeap.key(logit, id));
          worst = KeyHeap.value(~heap.top());
        }
      }
    }
  }

  private double logSum(FloatBuffer row, int offset, float best, double temperature) {
    if (best == Float.NEGATIVE_INFINITY) {
      return Double.NEGATIVE_INFINITY;
    }
    float inverse = (float) (1 / temperature);
    double sum = 0;
    for (int begin = 0; begin < vocabSize; begin += Nucleus.RUN) {
      int n = Math.min(Nucleus.RUN, vocabSize - begin);
      row.get(offset + begin, run, 0, n);
      Arrays.fill(run, n, Nucleus.RUN, Float.NEGATIVE_INFINITY);
      if (needsCare) {
        for (int i = 0; i < n; i++) {
          run[i] = Float.isNaN(run[i]) ? Float.NEGATIVE_INFINITY : Math.min(run[i], best);
        }
      }
      Nucleus.weigh(run, best, inverse, weights);
      sum += Nucleus.sum(weights);
    }
    return best / temperature + StrictMath.log(sum);
  }
}
