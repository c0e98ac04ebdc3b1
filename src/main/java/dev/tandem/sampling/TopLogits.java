package dev.tandem.sampling;

import java.util.Arrays;

/**
 * The best logits of one row, and what the whole row sums to: what a server sends in place of the
 * row. Immutable.
 */
public final class TopLogits {
  /** The largest number of entries. */
  public static final int MAX_SIZE = 1024;

  /** Entries where nothing else is asked for. */
  public static final int DEFAULT_SIZE = 64;

  /** The largest number of temperatures. */
  public static final int MAX_TEMPERATURES = 4;

  private final int vocabSize;
  private final int[] ids;
  private final float[] logits;
  private final double[] temperatures;
  private final double[] logSums;

  /**
   * Entries of a row. The arrays are not copied.
   *
   * @param vocabSize logits of the whole row
   * @param ids of the entries: the best first, of equal ones the lower id first
   * @param logits of the entries, none NaN; a NaN of the row counts as negative infinity
   * @param temperatures those of the sums
   * @param logSums for each temperature T the logarithm of the sum of {@code e^(logit / T)} over
   *     the row, off by at most {@link #logSumError}
   * @throws IllegalArgumentException if there is no entry, or an id is not in {@code [0,
   *     vocabSize)} or occurs twice, or the entries are not in their order, or a sum is NaN
   */
  public TopLogits(
      int vocabSize, int[] ids, float[] logits, double[] temperatures, double[] logSums) {
    this.vocabSize = vocabSize;
    this.ids = ids;
    this.logits = logits;
    this.temperatures = temperatures;
    this.logSums = logSums;
    if (ids.length == 0 || ids.length != logits.length || temperatures.length != logSums.length) {
      throw new IllegalArgumentException(
          ids.length
              + " ids of "
              + logits.length
              + " best logits, "
              + logSums.length
              + " sums for "
              + temperatures.length
              + " temperatures");
    }
    for (int i = 0; i < ids.length; i++) {
      checkEntry(i);
    }
    int[] ascending = ids.clone();
    Arrays.sort(ascending);
    for (int i = 1; i < ascending.length; i++) {
      if (ascending[i] == ascending[i - 1]) {
        throw new IllegalArgumentException("id " + ascending[i] + " occurs twice");
      }
    }
    for (double logSum : logSums) {
      if (Double.isNaN(logSum)) {
        throw new IllegalArgumentException("a sum of the row is not a number");
      }
    }
  }

  private void checkEntry(int i) {
    if (ids[i] < 0 || ids[i] >= vocabSize) {
      throw new IllegalArgumentException(
          "id " + Integer.toUnsignedString(ids[i]) + " is not in 0.." + (vocabSize - 1));
    }
    boolean inOrder = i == 0 || key(i) < key(i - 1);
    if (Float.isNaN(logits[i]) || !inOrder) {
      throw new IllegalArgumentException("entry " + i + " of the best logits is out of order");
    }
  }

  private long key(int i) {
    return KeyHeap.key(logits[i], ids[i]);
  }

  /** Logits of the whole row. */
  public int vocabSize() {
    return vocabSize;
  }

  /** Number of entries. */
  public int size() {
    return ids.length;
  }

  /** The id of an entry; 0 is the best. */
  public int id(int entry) {
    return ids[entry];
  }

  /** The logit of an entry, with the bits of the row. */
  public float logit(int entry) {
    return logits[entry];
  }

  /** The logarithm of the row's sum at that temperature; NaN if it is not known. */
  public double logSum(double temperature) {
    for (int i = 0; i < temperatures.length; i++) {
      if (temperatures[i] == temperature) {
        return logSums[i];
      }
    }
    return Double.NaN;
  }

  /** The logarithm of the row's sum at the temperature with that index. */
  public double logSumAt(int index) {
    return logSums[index];
  }

  /** The most that a sum of the row, {@code logSum}, can be off. */
  public static double logSumError(double logSum) {
    // Nucleus.error of a vocabulary of up to 2^29 ids, and the roundings of the logarithm.
    return 1e-4 + Math.abs(logSum) * 0x1p-48;
  }
}
