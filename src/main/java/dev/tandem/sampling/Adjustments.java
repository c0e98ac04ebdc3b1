package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;

/** The changes to single logits: penalties for tokens seen so far, and biases. */
final class Adjustments {
  private final double repeatPenalty;
  private final double presencePenalty;
  private final double frequencyPenalty;
  private final boolean penalises;
  private final int vocabSize;

  private final int[] biasIds; // ascending
  private final double[] biases; // parallel to biasIds

  /** Ids that may need a change, each once: biased ids and, with penalties, the ids seen so far. */
  private final int[] listed;

  private final BitSet isListed;
  private int nListed;

  private final BitSet inPrompt;
  private final int[] generated; // occurrences by id; empty without penalties

  Adjustments(SamplingOptions options, int vocabSize) {
    this.vocabSize = vocabSize;
    repeatPenalty = options.repeatPenalty();
    presencePenalty = options.presencePenalty();
    frequencyPenalty = options.frequencyPenalty();
    penalises = repeatPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    biasIds = options.logitBias().keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
    biases = Arrays.stream(biasIds).mapToDouble(id -> bias(options, id)).toArray();
    listed = new int[penalises ? vocabSize : biasIds.length];
    isListed = new BitSet(penalises ? vocabSize : 0);
    inPrompt = new BitSet(penalises ? vocabSize : 0);
    generated = new int[penalises ? vocabSize : 0];
    for (int id : biasIds) {
      if (id >= vocabSize) {
        throw new IllegalArgumentException(
            "logit bias for id " + id + ", but ids end at " + (vocabSize - 1));
      }
      list(id);
    }
  }

  private static double bias(SamplingOptions options, int id) {
    return Objects.requireNonNull(options.logitBias().get(id));
  }

  void acceptPrompt(int id) {
    Objects.checkIndex(id, vocabSize);
    if (penalises) {
      inPrompt.set(id);
      list(id);
    }
  }

  void accept(int id) {
    Objects.checkIndex(id, vocabSize);
    if (penalises) {
      generated[id]++;
      list(id);
    }
  }

  void forget(int id) {
    Objects.checkIndex(id, vocabSize);
    if (penalises) {
      if (generated[id] == 0) {
        throw new IllegalStateException("token " + id + " has no occurrence to forget");
      }
      generated[id]--; // it stays listed, and apply() will find nothing to do
    }
  }

  private void list(int id) {
    if (!isListed.get(id)) {
      isListed.set(id);
      listed[nListed++] = id;
    }
  }

  /** How many ids {@link #changed} lists. */
  int nChanged() {
    return nListed;
  }

  /** An id whose logit may be changed; each one is listed once, in no order. */
  int changed(int index) {
    return listed[index];
  }

  /** Whether {@link #changed} lists the id. */
  boolean changes(int id) {
    return isListed.get(id);
  }

  /** Adjusts logits in place. */
  void apply(float[] logits) {
    for (int i = 0; i < nListed; i++) {
      int id = listed[i];
      logits[id] = adjusted(logits[id], id);
    }
  }

  /**
   * Steps 1 to 3 of docs/sampling.md for one logit: f64 throughout, rounded to f32 once. For each
   * id the result never falls while the logit rises.
   */
  float adjusted(float logit, int id) {
    if (Float.isNaN(logit)) {
      return Float.NEGATIVE_INFINITY;
    }
    double x = Math.min(logit, Float.MAX_VALUE);
    int count = penalises ? generated[id] : 0;
    if (count > 0 || inPrompt.get(id)) {
      x = x > 0 ? x / repeatPenalty : x * repeatPenalty;
    }
    if (count > 0) {
      x = x - count * frequencyPenalty;
      x = x - presencePenalty;
    }
    int bias = Arrays.binarySearch(biasIds, id);
    if (bias >= 0) {
      x = x + biases[bias];
    }
    return Math.min((float) x, Float.MAX_VALUE);
  }
}
