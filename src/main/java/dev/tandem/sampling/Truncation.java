package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;

/**
 * Top-k and top-p exactly as defined. Finds the worst token that may still be drawn, by sorting the
 * tokens that top-p needs: all, or those that top-k keeps.
 */
final class Truncation {
  private final double temperature;
  private final int topK;
  private final double topP;
  private final int vocabSize;
  private final KeyHeap heap;

  Truncation(SamplingOptions options, int vocabSize) {
    temperature = options.temperature();
    topK = options.topK() == 0 ? vocabSize : Math.min(options.topK(), vocabSize);
    topP = options.topP();
    this.vocabSize = vocabSize;
    heap = new KeyHeap(topP < 1 ? vocabSize : topK < vocabSize ? topK : 0);
  }

  /**
   * The key of the worst token that top-k and top-p keep, or a key below all keys if they keep all.
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
   * Leaves the complements of the k best keys in the heap, with the worst of these keys on top:
   * complementing reverses their order.
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

  /** The worst of the selected keys: the top of the heap of complements. */
  private long worstPopped() {
    return ~heap.top();
  }

  /** Top-p, exactly as defined, over the tokens whose complemented keys are in the heap. */
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
}
