package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntPredicate;

/**
 * Draws from the best logits of a row, where no other id can change the draw: docs/sampling.md,
 * "From the best logits only". An id outside of the list has at most the last listed logit, to
 * which its own adjustment is applied; adjustments, division by T and the addition of noise never
 * turn a larger number into a smaller one. So each id outside has an upper bound of its key, of its
 * weight and of its sum. The sum of all weights lies in an interval, which follows from the row's
 * sum.
 */
final class TopProof {
  /** Bounds the error of exp and of a product; sums have one of their own. */
  private static final double ROUNDING = 1e-9;

  /** Beyond it, weights may be infinite; the row's sum then counts as unknown. */
  private static final double HUGE_WEIGHT = 1e300;

  private final double temperature;
  private final int topK;
  private final double topP;
  private final double minP;
  private final int vocabSize;
  private final boolean greedy;
  private final Adjustments adjustments;
  private final BitSet never = new BitSet();
  private final BitSet inList = new BitSet();
  private final OutsideNoise noise;
  private final IntPredicate unchangedOutside;

  /** Keys of the listed ids that can be drawn, ascending. */
  private long[] keys = new long[TopLogits.DEFAULT_SIZE];

  /** Sums of the weights by rank: entry i is the sum of the best i ones. */
  private double[] sums = new double[TopLogits.DEFAULT_SIZE + 1];

  // The state of one draw.
  private int nListed;
  private int n; // listed ids that take part
  private int nCertain; // of the best ones the rank is known
  private int nOutside;
  private int nSpecial; // ids outside that are adjusted or never drawn, or are no tokens
  private float last;
  private long bound;
  private double best;
  private double zLow;
  private double zHigh;
  private double restHigh;
  private double slack;

  TopProof(
      SamplingOptions options,
      int vocabSize,
      int[] neverDrawn,
      Adjustments adjustments,
      boolean greedy) {
    temperature = options.temperature();
    topK = options.topK() > 0 && options.topK() < vocabSize ? options.topK() : Integer.MAX_VALUE;
    topP = options.topP();
    minP = options.minP();
    this.vocabSize = vocabSize;
    this.adjustments = adjustments;
    this.greedy = greedy;
    for (int id : neverDrawn) {
      never.set(id);
    }
    noise = new OutsideNoise(options, vocabSize);
    unchangedOutside = id -> isOutside(id) && !adjustments.changes(id);
  }

  /** See {@link Sampler#decide}. */
  int decide(TopLogits top, int position) {
    if (top.vocabSize() < vocabSize) {
      throw new IllegalArgumentException(
          "a row of " + top.vocabSize() + " logits, the sampler needs " + vocabSize);
    }
    if (top.logit(top.size() - 1) == Float.POSITIVE_INFINITY) {
      return Sampler.UNDECIDED; // unlisted ones that count as equal may have lower ids
    }
    read(top);
    if (nCertain == 0) {
      return Sampler.UNDECIDED;
    }
    if (greedy) {
      return id(0);
    }
    best = value(0) / temperature;
    boolean known = topK <= nCertain; // every id that top-k keeps
    n = known ? topK : nListed;
    slack = known || nOutside == 0 ? 0 : ROUNDING + vocabSize * 0x1p-52;
    sumWeights();
    if (topP < 1 && !known) {
      widen(top);
    }
    return draw(position, known);
  }

  /** Reads the entries, and bounds the keys of all other ids. */
  private void read(TopLogits top) {
    if (keys.length < top.size()) {
      keys = new long[top.size()];
      sums = new double[top.size() + 1];
    }
    inList.clear();
    nListed = 0;
    nOutside = vocabSize;
    for (int i = 0; i < top.size(); i++) {
      int id = top.id(i);
      inList.set(id);
      if (id < vocabSize) {
        nOutside--;
        float adjusted = adjustments.adjusted(top.logit(i), id);
        if (!never.get(id) && adjusted > Float.NEGATIVE_INFINITY) {
          keys[nListed++] = KeyHeap.key(adjusted, id);
        }
      }
    }
    Arrays.sort(keys, 0, nListed);
    last = top.logit(top.size() - 1);
    // An equal logit outside of the list has a higher id.
    bound = nOutside == 0 ? KeyHeap.LOWEST : KeyHeap.key(last, top.id(top.size() - 1)) - 1;
    nSpecial = countSpecial() + top.vocabSize() - vocabSize - (top.size() - (vocabSize - nOutside));
    nCertain = 0;
    while (nCertain < nListed && key(nCertain) > bound) {
      nCertain++;
    }
  }

  /**
   * Raises the bound to the keys of the ids outside that are adjusted.
   *
   * @return how many ids outside are adjusted or never drawn
   */
  private int countSpecial() {
    int count = 0;
    for (int i = 0; i < adjustments.nChanged(); i++) {
      int id = adjustments.changed(i);
      if (isOutside(id)) {
        count++;
        bound = Math.max(bound, KeyHeap.key(adjustments.adjusted(last, id), id));
      }
    }
    for (int id = never.nextSetBit(0); id >= 0; id = never.nextSetBit(id + 1)) {
      count += inList.get(id) ? 0 : 1;
    }
    return count;
  }

  private boolean isOutside(int id) {
    return !inList.get(id) && !never.get(id);
  }

  /** The weights of the listed ids by rank; with all ids listed, their sum is exact. */
  private void sumWeights() {
    if (topP < 1) {
      sums[0] = 0;
      for (int i = 0; i < n; i++) {
        sums[i + 1] = sums[i] + weight(value(i));
      }
      zLow = sums[n];
      zHigh = sums[n];
      restHigh = 0;
    }
  }

  /** Adds what the ids outside weigh to the interval of Z. */
  private void widen(TopLogits top) {
    double lastWeight = weight(Math.min(last, Float.MAX_VALUE)) * (1 + ROUNDING);
    double restLow = 0;
    restHigh = nOutside * lastWeight;
    double logSum = top.logSum(temperature);
    double whole = StrictMath.exp(logSum - best);
    double error = TopLogits.logSumError(logSum) + Math.abs(best) * 0x1p-48 + ROUNDING;
    if (whole < HUGE_WEIGHT && error < 1) { // false for NaN
      double listed = 0;
      for (int i = 0; i < top.size(); i++) {
        listed += weight(Math.min(top.logit(i), Float.MAX_VALUE));
      }
      double uncertain = whole * 2 * error + listed * ROUNDING; // e^x - 1 < 2x below 1
      restLow = Math.max(0, whole - listed - uncertain - nSpecial * lastWeight);
      restHigh = Math.min(restHigh, Math.max(0, whole - listed + uncertain));
    }
    for (int i = 0; i < adjustments.nChanged(); i++) {
      int id = adjustments.changed(i);
      if (isOutside(id)) {
        restHigh += weight(adjustments.adjusted(last, id)) * (1 + ROUNDING);
      }
    }
    zLow += restLow;
    zHigh += restHigh;
    if (topK < Integer.MAX_VALUE) {
      zLow = sums[nCertain];
      double most = (double) (topK - nCertain) * weight(KeyHeap.value(bound)) * (1 + ROUNDING);
      zHigh = Math.min(zHigh, sums[nCertain] + most);
    }
  }

  /**
   * As {@link PhiloxSampler} with top-p: draws among all ids before the cut, and tests the winner.
   *
   * @param known whether the listed ids are all that top-k keeps
   */
  private int draw(int position, boolean known) {
    boolean outside = !known && outsideMayRemain();
    int end = n; // the ids of these ranks take part
    while (true) {
      noise.begin(position);
      int winner = 0;
      double winning = scaled(0) + noise.of(id(0));
      for (int i = 1; i < end; i++) {
        double sum = scaled(i) + noise.of(id(i));
        boolean wins = sum > winning || (sum == winning && id(i) < id(winner));
        if (wins && (minP == 0 || weight(value(i)) >= minP)) {
          winner = i;
          winning = sum;
        }
      }
      // Behind a cut whose rank is known nothing outside remains.
      if (outside && end >= nCertain && challenged(winning)) {
        return Sampler.UNDECIDED;
      }
      if (winner == 0) {
        return id(0);
      }
      if (!known && topK < Integer.MAX_VALUE && winner >= nCertain) {
        return Sampler.UNDECIDED; // its rank is open
      }
      if (topP == 1) {
        return id(winner);
      }
      double before = sums[winner];
      double beforeHigh = winner < nCertain ? before : before + restHigh;
      if (beforeHigh < topP * zLow * (1 - slack)) {
        return id(winner);
      }
      if (!(before >= topP * zHigh * (1 + slack))) {
        return Sampler.UNDECIDED;
      }
      end = winner;
    }
  }

  /** Whether truncation may keep an id outside. */
  private boolean outsideMayRemain() {
    if (nOutside == 0 || KeyHeap.value(bound) == Float.NEGATIVE_INFINITY) {
      return false;
    }
    boolean certainIsAll = topP < 1 && sums[nCertain] >= topP * zHigh * (1 + slack);
    return !certainIsAll && minPMayKeep(KeyHeap.value(bound));
  }

  private boolean minPMayKeep(float logit) {
    return minP == 0 || weight(logit) * (1 + ROUNDING) >= minP;
  }

  /** Whether the noise of an id outside may lift it to the winning sum. */
  private boolean challenged(double winning) {
    for (int i = 0; i < adjustments.nChanged(); i++) {
      int id = adjustments.changed(i);
      if (isOutside(id)) {
        float most = adjustments.adjusted(last, id);
        double scaled = most / temperature;
        if (scaled + Gumbel.MAX >= winning
            && minPMayKeep(most)
            && scaled + noise.of(id) >= winning) {
          return true;
        }
      }
    }
    float most = Math.min(last, Float.MAX_VALUE);
    return minPMayKeep(most) && noise.lifts(most / temperature, winning, unchangedOutside);
  }

  /** The key with that rank; 0 is the best. */
  private long key(int rank) {
    return keys[nListed - 1 - rank];
  }

  private int id(int rank) {
    return KeyHeap.id(key(rank));
  }

  private float value(int rank) {
    return KeyHeap.value(key(rank));
  }

  private double scaled(int rank) {
    return value(rank) / temperature;
  }

  private double weight(float logit) {
    return StrictMath.exp(logit / temperature - best);
  }
}
