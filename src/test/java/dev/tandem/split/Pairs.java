package dev.tandem.split;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

/**
 * Chooses combinations of values of some factors so that each pair of values of two factors occurs
 * in at least one of them: far fewer than all combinations, and most faults need no more than two
 * values to show (Kuhn, Wallace and Gallo, "Software Fault Interactions and Implications for
 * Software Testing", 2004).
 */
public final class Pairs {
  private static final int CANDIDATES = 50;

  private final int[] sizes;
  private final Random random;

  /** For each two factors the pairs of values that are still missing. */
  private final BitSet[][] missing;

  private int left;

  private Pairs(int[] sizes, long seed) {
    this.sizes = sizes.clone();
    this.random = new Random(seed);
    missing = new BitSet[sizes.length][sizes.length];
    for (int a = 0; a < sizes.length; a++) {
      for (int b = a + 1; b < sizes.length; b++) {
        missing[a][b] = new BitSet();
        missing[a][b].set(0, sizes[a] * sizes[b]);
        left += sizes[a] * sizes[b];
      }
    }
  }

  /**
   * Combinations with all pairs.
   *
   * @param sizes values of each factor; at least two factors
   * @return the index of a value for each factor
   */
  public static List<int[]> of(long seed, int... sizes) {
    Pairs pairs = new Pairs(sizes, seed);
    List<int[]> chosen = new ArrayList<>();
    while (pairs.left > 0) {
      chosen.add(pairs.next());
    }
    return chosen;
  }

  /** All combinations. */
  public static List<int[]> all(int... sizes) {
    List<int[]> all = new ArrayList<>();
    all.add(new int[sizes.length]);
    for (int factor = 0; factor < sizes.length; factor++) {
      int known = all.size();
      for (int value = 1; value < sizes[factor]; value++) {
        for (int i = 0; i < known; i++) {
          int[] other = all.get(i).clone();
          other[factor] = value;
          all.add(other);
        }
      }
    }
    return all;
  }

  /** The best of some candidates, each of which begins with a missing pair. */
  private int[] next() {
    int[] best = candidate();
    int bestGain = gain(best);
    for (int i = 1; i < CANDIDATES; i++) {
      int[] other = candidate();
      int gain = gain(other);
      if (gain > bestGain) {
        best = other;
        bestGain = gain;
      }
    }
    for (int a = 0; a < sizes.length; a++) {
      for (int b = a + 1; b < sizes.length; b++) {
        int pair = best[a] * sizes[b] + best[b];
        if (missing[a][b].get(pair)) {
          missing[a][b].clear(pair);
          left--;
        }
      }
    }
    return best;
  }

  private int[] candidate() {
    int[] values = new int[sizes.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(sizes[i]);
    }
    int begin = random.nextInt(sizes.length);
    for (int i = 0; i < sizes.length * sizes.length; i++) {
      int a = (begin + i / sizes.length) % sizes.length;
      int b = i % sizes.length;
      if (a < b && !missing[a][b].isEmpty()) {
        int pair = missing[a][b].nextSetBit(random.nextInt(sizes[a] * sizes[b]));
        pair = pair < 0 ? missing[a][b].nextSetBit(0) : pair;
        values[a] = pair / sizes[b];
        values[b] = pair % sizes[b];
        return values;
      }
    }
    return values;
  }

  private int gain(int[] values) {
    int gain = 0;
    for (int a = 0; a < sizes.length; a++) {
      for (int b = a + 1; b < sizes.length; b++) {
        gain += missing[a][b].get(values[a] * sizes[b] + values[b]) ? 1 : 0;
      }
    }
    return gain;
  }
}
