package dev.tandem.sampling;

import java.util.Arrays;

/**
 * Top-k and top-p: finds the worst token that may still be drawn. Its result is that of sorting all
 * tokens and summing in order; the work is that of a few passes over the logits and a heap over the
 * few tokens around the cut.
 */
final class Truncation {
  /** Tokens whose scaled logit is this far below the best weigh under e^-32 = 1.3e-14 each. */
  private static final int WINDOW = 32;

  private static final int STEPS_PER_UNIT = 128;
  private static final int STEPS = WINDOW * STEPS_PER_UNIT;
  private static final int STEPS_PER_BUCKET = 4;

  /** e^(-step / STEPS_PER_UNIT). */
  private static final double[] EXP = expTable();

  private final double temperature;
  private final int topK;
  private final double topP;
  private final int vocabSize;
  private final KeyHeap heap;
  private final double[] bucketWeights = new double[STEPS / STEPS_PER_BUCKET];

  Truncation(SamplingOptions options, int vocabSize) {
    temperature = options.temperature();
    topK = options.topK() == 0 ? vocabSize : Math.min(options.topK(), vocabSize);
    topP = options.topP();
    this.vocabSize = vocabSize;
    heap = new KeyHeap(topP < 1 ? vocabSize : topK < vocabSize ? topK : 0);
  }

  /**
   * The key of the worst token that top-k and top-p keep, or a key below all of these where they
   * keep all.
   *
   * @param logits adjusted, {@code [vocabSize]}, none above {@code best}; NaN counts as -inf
   * @param best the best one, finite
   */
  long cut(float[] logits, float best) {
    if (topK < vocabSize) {
      selectTopK(logits);
      return topP < 1 ? exactTopP(best) : worstPopped();
    }
    if (topP == 1) {
      return KeyHeap.LOWEST;
    }
    long cut = topPByBounds(logits, best);
    if (cut != KeyHeap.HIGHEST) {
      return cut;
    }
    heap.clear();
    for (int id = 0; id < vocabSize; id++) {
      if (logits[id] > Float.NEGATIVE_INFINITY) {
        heap.append(~KeyHeap.key(logits[id], id));
      }
    }
    heap.heapify();
    return exactTopP(best);
  }

  /**
   * Leaves the complements of the k best keys in the heap, the worst of them on top: complementing
   * reverses their order.
   */
  private void selectTopK(float[] logits) {
    heap.clear();
    int id = 0;
    while (id < vocabSize && heap.size() < topK) {
      if (logits[id] > Float.NEGATIVE_INFINITY) {
        heap.append(~KeyHeap.key(logits[id], id));
      }
      id++;
    }
    heap.heapify();
    if (heap.size() < topK) {
      return;
    }
    float worst = KeyHeap.value(~heap.top());
    for (; id < vocabSize; id++) {
      if (logits[id] > worst) { // an equal one with a higher id ranks lower; false for NaN
        heap.replaceTop(~KeyHeap.key(logits[id], id));
        worst = KeyHeap.value(~heap.top());
      }
    }
  }

  /** The worst of the selected keys, which is the one that the heap of complements has on top. */
  private long worstPopped() {
    return ~heap.top();
  }

  /** Top-p over the tokens whose complemented keys are in the heap, by the letter. */
  private long exactTopP(float best) {
    int n = heap.size();
    while (heap.size() > 0) {
      heap.pop(); // the worst goes to the array's end, the best ends up at index 0
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += weight(heap.popped(i), best);
    }
    double wanted = topP * sum;
    double reached = 0;
    int i = -1;
    do {
      i++;
      reached += weight(heap.popped(i), best);
    } while (reached < wanted);
    return ~heap.popped(i);
  }

  private double weight(long complementedKey, float best) {
    double scaled = KeyHeap.value(~complementedKey) / temperature;
    return StrictMath.exp(scaled - best / temperature);
  }

  /**
   * Top-p over all tokens from sums that are known to within a bound, or {@link KeyHeap#HIGHEST}
   * where the bound does not decide it.
   *
   * <p>One pass sums the weights in buckets of descending logits; the buckets before the cut's are
   * never ordered, and a heap orders the one that holds the cut.
   */
  long topPByBounds(float[] logits, float best) {
    double sum = sumBuckets(logits, best);
    // A weight's relative error: series 2e-10; f64 rounding of logit / T, which grows with the
    // quotient; rounding of either sum, vocabSize terms; and the weights left out of the window.
    double error =
        1e-9
            + (Math.abs(best / temperature) + 2 * WINDOW) * 0x1p-50
            + vocabSize * (0x1p-51 + 2 * EXP[STEPS - 1]);
    double surelyNot = topP * sum * (1 - 4 * error);
    double surely = topP * sum * (1 + 4 * error);
    double reached = 0;
    int bucket = 0;
    while (bucket < bucketWeights.length && reached + bucketWeights[bucket] < surelyNot) {
      reached += bucketWeights[bucket];
      bucket++;
    }
    if (bucket == bucketWeights.length) {
      return KeyHeap.HIGHEST;
    }
    heap.clear();
    double begin = bucket * STEPS_PER_BUCKET;
    double end = begin + STEPS_PER_BUCKET;
    for (int id = 0; id < vocabSize; id++) {
      double steps = stepsBelow(logits[id], best);
      if (steps >= begin && steps < end) {
        heap.append(KeyHeap.key(logits[id], id));
      }
    }
    heap.heapify();
    while (heap.size() > 0) {
      long key = heap.pop();
      reached += approximateWeight(stepsBelow(KeyHeap.value(key), best));
      if (reached >= surelyNot) {
        return reached >= surely ? key : KeyHeap.HIGHEST;
      }
    }
    return KeyHeap.HIGHEST;
  }

  private double sumBuckets(float[] logits, float best) {
    Arrays.fill(bucketWeights, 0);
    double sum = 0;
    for (int id = 0; id < vocabSize; id++) {
      double steps = stepsBelow(logits[id], best);
      if (steps < STEPS) { // false for NaN
        double weight = approximateWeight(steps);
        bucketWeights[(int) steps / STEPS_PER_BUCKET] += weight;
        sum += weight;
      }
    }
    return sum;
  }

  /** Monotone in the logit, so that buckets are ordered like the logits. */
  private double stepsBelow(float logit, float best) {
    return ((double) best - logit) * (STEPS_PER_UNIT / temperature);
  }

  /** e^(-steps / STEPS_PER_UNIT), relative error below 1 / (24 x STEPS_PER_UNIT^4) = 1.6e-10. */
  private static double approximateWeight(double steps) {
    int step = (int) steps;
    double r = (steps - step) * (1.0 / STEPS_PER_UNIT);
    return EXP[step] * (1 - r * (1 - r * (0.5 - r * (1.0 / 6))));
  }

  private static double[] expTable() {
    double[] table = new double[STEPS];
    for (int step = 0; step < STEPS; step++) {
      table[step] = StrictMath.exp(-(double) step / STEPS_PER_UNIT);
    }
    return table;
  }
}
