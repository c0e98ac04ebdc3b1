package dev.tandem.decoding;

import dev.tandem.generation.GenerationRequest;

/**
 * Guesses that the text repeats itself (prompt lookup): it finds the earlier place that looks most
 * like the end of the text, the latest of several, and proposes what followed there.
 *
 * <p>Two places look alike if the tokens before them are equal, one by one; a token further back
 * counts less. So one that differs, such as a number in an otherwise equal line, does not end the
 * search for the rest of that line.
 *
 * <p>A guess may go on into the guesses themselves: the place ends where the text ends, so a text
 * of a short period is continued with that period.
 */
public final class NgramDrafter implements Drafter {
  /**
   * What a token counts, compared with the one after it. At 0.6 an equal last token is worth less
   * than a different one in a line that is otherwise equal (1 against 0.6 + 0.36 + ... = 1.5), and
   * two equal last tokens are worth more. 0.5 guesses a little better in source files, 0.7 in
   * changelogs, 0.8 and 0.9 worse in both.
   */
  private static final double DECAY = 0.6;

  /** Tokens that are compared; those further back count less than 0.0003 in all. */
  private static final int REACH = 18;

  private static final double[] WEIGHTS = weights();

  /** Fewer equal ids say little. */
  private static final int MIN_EQUAL = 3;

  private static double[] weights() {
    double[] weights = new double[REACH];
    double weight = 1;
    for (int i = 0; i < REACH; i++) {
      weights[i] = weight;
      weight *= DECAY;
    }
    return weights;
  }

  @Override
  public void begin(GenerationRequest request, int[] ids, int promptEnd) {
    // everything is in the ids
  }

  @Override
  public int propose(int[] ids, int size, int max) {
    double best = 0;
    int place = -1;
    for (int end = size - 1; end >= 1; end--) {
      double likeness = likeness(ids, end, size);
      if (likeness > best) {
        best = likeness;
        place = end;
      }
    }
    if (place < 0) {
      return 0;
    }
    for (int i = 0; i < max; i++) {
      ids[size + i] = ids[place + i];
    }
    return max;
  }

  /**
   * How much the ids before {@code end} are those before {@code size}; 0 if the last two differ.
   */
  private static double likeness(int[] ids, int end, int size) {
    boolean last = ids[end - 1] == ids[size - 1];
    if (!last && (end < 2 || ids[end - 2] != ids[size - 2])) {
      return 0;
    }
    double sum = 0;
    int reach = Math.min(REACH, end);
    for (int i = 0; i < reach; i++) {
      if (ids[end - 1 - i] == ids[size - 1 - i]) {
        sum += WEIGHTS[i];
      }
    }
    return sum;
  }

  /**
   * What followed the earlier place before which most ids are those before {@code size}, the latest
   * of several.
   *
   * @return an id; -1 if there is no place with at least {@value #MIN_EQUAL} of them
   */
  static int nextAfterLongest(int[] ids, int size) {
    int longest = MIN_EQUAL - 1;
    int next = -1;
    for (int end = size - 1; end > longest; end--) {
      int equal = 0;
      while (equal < Math.min(end, REACH) && ids[end - 1 - equal] == ids[size - 1 - equal]) {
        equal++;
      }
      if (equal > longest) {
        longest = equal;
        next = ids[end];
      }
    }
    return next;
  }

  @Override
  public void close() {
    // it holds nothing
  }
}
