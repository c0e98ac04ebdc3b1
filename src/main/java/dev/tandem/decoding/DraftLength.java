package dev.tandem.decoding;

/**
 * Chooses how many tokens to draft: the number with the most expected tokens per time, or nearly
 * so.
 *
 * <p>Guess i of a draft, if those before it were right, is right with a probability {@code a_i} of
 * its own, so that k guesses give {@code 1 + a_1 + a_1 a_2 + ... + a_1 ... a_k} tokens: after some
 * right guesses the next one is often surer than the first. A step of r rows takes {@code base +
 * slope r}, where the base is the reading of the weights and, with a server, the round trip. All of
 * them are estimated from the last steps, older ones counting less, and a place in the draft that
 * was seldom reached by what is known of all places. The choice decides how long a text takes and
 * never what it says.
 */
final class DraftLength {
  /** What a step's weight is multiplied with at each further step. */
  private static final double MEMORY = 0.95;

  /** If drafting does not pay, one step in so many tries again. */
  private static final int RETRY_STEPS = 32;

  private static final int FIRST_LENGTH = 4;

  /**
   * Of lengths that are nearly as fast as the best one, the longest needs the fewest round trips.
   */
  private static final double NEARLY = 0.96;

  /** So many guesses at all places together count for each single place. */
  private static final double SHARED = 2;

  private final int max;
  private final boolean adaptive;

  // Decaying sums. Two guesses of which one is right stand for what is not known at the beginning.
  private double guessed = 2;
  private double right = 1;
  private final double[] guessedAt;
  private final double[] rightAt;
  private double steps;
  private double rows;
  private double rowsSquared;
  private double nanos;
  private double rowsNanos;
  private double drafted;
  private double draftNanos;
  private int stepsWithout;

  /**
   * @param max the longest draft
   * @param adaptive whether a shorter one may be chosen
   */
  DraftLength(int max, boolean adaptive) {
    this.max = max;
    this.adaptive = adaptive;
    guessedAt = new double[max];
    rightAt = new double[max];
  }

  /** The length of the next draft, 0 to max. */
  int next() {
    if (!adaptive) {
      return max;
    }
    if (steps == 0) {
      return Math.min(FIRST_LENGTH, max);
    }
    int best = best();
    stepsWithout = best == 0 ? stepsWithout + 1 : 0;
    if (stepsWithout == RETRY_STEPS) {
      stepsWithout = 0;
      return Math.min(FIRST_LENGTH, max);
    }
    return best;
  }

  private int best() {
    double acceptance = right / guessed;
    double slope = slope();
    double base = Math.max(0, (nanos - slope * rows) / steps);
    double perGuess = drafted == 0 ? 0 : draftNanos / drafted;
    double[] rates = new double[max + 1];
    double bestRate = 0;
    double tokens = 0;
    double probability = 1;
    for (int k = 0; k <= max; k++) {
      tokens += probability;
      if (k < max) {
        probability *= (rightAt[k] + SHARED * acceptance) / (guessedAt[k] + SHARED);
      }
      rates[k] = tokens / (base + slope * (k + 1) + perGuess * k);
      bestRate = Math.max(bestRate, rates[k]);
    }
    if (rates[0] == bestRate) {
      return 0;
    }
    int best = max;
    while (rates[best] < NEARLY * bestRate) {
      best--;
    }
    return best;
  }

  /** Nanoseconds per row, by least squares; 0 as long as all steps had the same number of rows. */
  private double slope() {
    double variance = steps * rowsSquared - rows * rows;
    if (variance <= 1e-9 * rowsSquared * steps) {
      return 0;
    }
    double slope = (steps * rowsNanos - rows * nanos) / variance;
    return Math.min(Math.max(slope, 0), nanos / rows);
  }

  /**
   * A draft was compared with what the model drew.
   *
   * @param proposed its length; the step had one row more
   * @param accepted guesses that were right, from the first one on
   * @param stepNanos duration of the step
   * @param draftingNanos duration of the drafting
   */
  void stepDone(int proposed, int accepted, long stepNanos, long draftingNanos) {
    int compared = Math.min(accepted + 1, proposed);
    int nRows = proposed + 1;
    guessed = guessed * MEMORY + compared;
    right = right * MEMORY + accepted;
    for (int i = 0; i < max; i++) {
      guessedAt[i] = guessedAt[i] * MEMORY + (i < compared ? 1 : 0);
      rightAt[i] = rightAt[i] * MEMORY + (i < accepted ? 1 : 0);
    }
    steps = steps * MEMORY + 1;
    rows = rows * MEMORY + nRows;
    rowsSquared = rowsSquared * MEMORY + (double) nRows * nRows;
    nanos = nanos * MEMORY + stepNanos;
    rowsNanos = rowsNanos * MEMORY + (double) nRows * stepNanos;
    drafted = drafted * MEMORY + proposed;
    draftNanos = draftNanos * MEMORY + draftingNanos;
  }
}
