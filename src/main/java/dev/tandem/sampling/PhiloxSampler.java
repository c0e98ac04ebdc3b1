package dev.tandem.sampling;

import java.nio.FloatBuffer;

/**
 * Gumbel-max over Philox noise: the token is {@code argmax(logit / T + G)}.
 *
 * <p>Few tokens need their noise. G lies in (-2.86, 17.33), so a token can only win when its scaled
 * logit plus 17.33 reaches the best sum so far; and of those, most are ruled out by the number of
 * leading ones of their random word, before any logarithm.
 */
final class PhiloxSampler implements Sampler {
  private static final int WORDS = 4;

  /** Which of several answers to one prompt; there is only one. */
  private static final int CHOICE = 0;

  private final int vocabSize;
  private final double temperature;
  private final double minP;
  private final int seedLow;
  private final int seedHigh;
  private final Adjustments adjustments;
  private final Truncation truncation;
  private final float[] logits;
  private final int[] words = new int[WORDS];

  PhiloxSampler(SamplingOptions options, int vocabSize) {
    this.vocabSize = vocabSize;
    temperature = options.temperature();
    minP = options.minP();
    seedLow = (int) options.seed();
    seedHigh = (int) (options.seed() >>> 32);
    adjustments = new Adjustments(options, vocabSize);
    truncation = new Truncation(options, vocabSize);
    logits = new float[vocabSize];
  }

  @Override
  public int sample(FloatBuffer source, int offset, int position) {
    source.get(offset, logits, 0, vocabSize);
    adjustments.apply(logits);
    int best = best();
    if (best == NO_TOKEN || temperature == 0) {
      return best;
    }
    return draw(position, best, truncation.cut(logits, logits[best]));
  }

  /** The best token, ties to the lower id; afterwards no logit is above the largest float. */
  private int best() {
    int best = Argmax.of(logits);
    if (best != NO_TOKEN && logits[best] == Float.POSITIVE_INFINITY) {
      for (int id = 0; id < vocabSize; id++) {
        logits[id] = Math.min(logits[id], Float.MAX_VALUE);
      }
      best = Argmax.of(logits);
    }
    return best;
  }

  private int draw(int position, int best, long cut) {
    double bestScaled = logits[best] / temperature;
    fillWords(position, best);
    int winner = best;
    double winning = bestScaled + Gumbel.noise(words[best % WORDS]);
    float floor = floor(winning, cut);
    for (int begin = 0; begin < vocabSize; begin += WORDS) {
      int end = Math.min(begin + WORDS, vocabSize);
      if (!anyReaches(floor, begin, end)) {
        continue;
      }
      fillWords(position, begin);
      for (int id = begin; id < end; id++) {
        if (!(logits[id] >= floor)) { // true for NaN
          continue;
        }
        double scaled = logits[id] / temperature;
        int word = words[id - begin];
        if (scaled + Gumbel.upperBound(word) < winning || !kept(id, cut, scaled - bestScaled)) {
          continue;
        }
        double sum = scaled + Gumbel.noise(word);
        if (sum > winning || (sum == winning && id < winner)) {
          winner = id;
          winning = sum;
          floor = floor(winning, cut);
        }
      }
    }
    return winner;
  }

  private boolean kept(int id, long cut, double belowBest) {
    return KeyHeap.key(logits[id], id) >= cut && (minP == 0 || StrictMath.exp(belowBest) >= minP);
  }

  private boolean anyReaches(float floor, int begin, int end) {
    boolean any = false;
    for (int id = begin; id < end; id++) {
      any |= logits[id] >= floor;
    }
    return any;
  }

  /** A logit below this one is either cut off or cannot reach {@code winning}. */
  private float floor(double winning, long cut) {
    double bound = (winning - Gumbel.MAX) * temperature;
    float canWin = (float) (bound - Math.abs(bound) * 1e-6); // leaves room for its own rounding
    return cut == KeyHeap.LOWEST ? canWin : Math.max(canWin, KeyHeap.value(cut));
  }

  private void fillWords(int position, int id) {
    Philox.block(position, CHOICE, id / WORDS, 0, seedLow, seedHigh, words);
  }

  @Override
  public void acceptPrompt(int id) {
    adjustments.acceptPrompt(id);
  }

  @Override
  public void accept(int id) {
    adjustments.accept(id);
  }

  @Override
  public void forget(int id) {
    adjustments.forget(id);
  }
}
