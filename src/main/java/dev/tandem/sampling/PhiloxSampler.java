package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.nio.FloatBuffer;

/**
 * Gumbel-max over Philox noise: the token is {@code argmax(logit / T + G)}.
 *
 * <p>Few tokens need their noise. G lies in (-2.86, 17.33), so a token can win only if its scaled
 * logit plus 17.33 reaches the best sum so far. The number of leading ones of the random word then
 * excludes most of these tokens, before any logarithm.
 */
final class PhiloxSampler implements Sampler {
  /** Ids that share a Philox block. */
  static final int WORDS = 4;

  /** Ids of one run of blocks. */
  static final int RUN_IDS = Philox.Run.BLOCKS * WORDS;

  /** So many blocks, computed one by one, cost as much as a whole run. */
  private static final int FEW = Philox.Run.BLOCKS / 4;

  /** The index among several answers to one prompt; there is only one. */
  static final int CHOICE = 0;

  private final int vocabSize;
  private final int[] never;
  private final double temperature;
  private final double minP;
  private final int seedLow;
  private final int seedHigh;
  private final Adjustments adjustments;
  private final Truncation truncation;
  private final Nucleus nucleus;
  private final TopProof proof;

  /** Whether the options always keep the best token only. */
  private final boolean greedy;

  /** Whether top-p is checked for the winner only, instead of computing its cut first. */
  private final boolean testsWinner;

  private final float[] logits;

  /** The highest logit of each run of ids. */
  private final float[] highest;

  /** Ids of one run that may win; collected {@link #FEW} at a time while they are few. */
  private final int[] candidates = new int[2 * FEW];

  private final int[] words = new int[WORDS];
  private final Philox.Run run = new Philox.Run();

  // The state of one draw.
  private long cut;
  private double bestScaled;
  private int winner;
  private double winning;
  private float floor;

  PhiloxSampler(SamplingOptions options, int vocabSize, int[] never) {
    this.vocabSize = vocabSize;
    this.never = never;
    temperature = options.temperature();
    minP = options.minP();
    seedLow = (int) options.seed();
    seedHigh = (int) (options.seed() >>> 32);
    adjustments = new Adjustments(options, vocabSize);
    truncation = new Truncation(options, vocabSize);
    nucleus = new Nucleus(options, vocabSize);
    // No weight exceeds the best one's, which is 1. So their sum is at most vocabSize, and the best
    // token alone reaches the cut.
    boolean onlyBest = options.topK() == 1 || options.topP() * vocabSize <= 1;
    greedy = temperature == 0 || onlyBest;
    boolean topK = options.topK() > 0 && options.topK() < vocabSize;
    testsWinner = options.topP() < 1 && !topK;
    logits = new float[vocabSize];
    highest = new float[(vocabSize + RUN_IDS - 1) / RUN_IDS];
    proof = new TopProof(options, vocabSize, never, adjustments, greedy);
  }

  @Override
  public int decide(TopLogits top, int position) {
    return proof.decide(top, position);
  }

  @Override
  public int sample(FloatBuffer source, int offset, int position) {
    source.get(offset, logits, 0, vocabSize);
    adjustments.apply(logits);
    for (int id : never) {
      logits[id] = Float.NEGATIVE_INFINITY;
    }
    int best = best();
    if (best == NO_TOKEN || greedy) {
      return best;
    }
    return testsWinner
        ? drawAndTest(position, best)
        : draw(position, best, truncation.cut(logits, logits[best]));
  }

  /**
   * Top-p without computing its cut: draws among all tokens and checks only whether the winner is
   * kept. If it is not kept, neither is any token ranked behind it, so the next draw is among the
   * tokens before it.
   */
  private int drawAndTest(int position, int best) {
    long cut = KeyHeap.LOWEST;
    while (true) {
      int id = draw(position, best, cut);
      if (id == best) {
        return id;
      }
      switch (nucleus.test(logits, logits[best], id)) {
        case KEPT -> {
          return id;
        }
        case CUT -> cut = KeyHeap.key(logits[id], id) + 1;
        case OPEN -> {
          return draw(position, best, truncation.cut(logits, logits[best]));
        }
      }
    }
  }

  /** The best token, ties to the lower id; afterwards no logit is above the largest float. */
  private int best() {
    int best = bestOfRuns();
    if (best != NO_TOKEN && logits[best] == Float.POSITIVE_INFINITY) {
      for (int id = 0; id < vocabSize; id++) {
        logits[id] = Math.min(logits[id], Float.MAX_VALUE);
      }
      best = bestOfRuns();
    }
    return best;
  }

  /** Finds each run's highest logit, and the first id that has the highest of these. */
  private int bestOfRuns() {
    int bestRun = 0;
    for (int i = 0; i < highest.length; i++) {
      int begin = i * RUN_IDS;
      highest[i] = highest(begin, Math.min(begin + RUN_IDS, vocabSize));
      if (highest[i] > highest[bestRun]) {
        bestRun = i;
      }
    }
    if (highest[bestRun] == Float.NEGATIVE_INFINITY) {
      return NO_TOKEN;
    }
    int best = bestRun * RUN_IDS;
    while (logits[best] != highest[bestRun]) {
      best++;
    }
    return best;
  }

  private int draw(int position, int best, long cut) {
    this.cut = cut;
    bestScaled = logits[best] / temperature;
    Philox.block(position, CHOICE, best / WORDS, 0, seedLow, seedHigh, words);
    winner = best;
    winning = bestScaled + Gumbel.noise(words[best % WORDS]);
    floor = floor();
    for (int begin = 0; begin < vocabSize; begin += RUN_IDS) {
      int end = Math.min(begin + RUN_IDS, vocabSize);
      if (highest[begin / RUN_IDS] < floor) {
        continue;
      }
      int nCandidates = findCandidates(begin, end);
      if (nCandidates > FEW) {
        drawAmongMany(position, begin, end);
      } else {
        drawAmongFew(position, nCandidates);
      }
    }
    return winner;
  }

  /**
   * Collects the ids whose logits allow them to win, and returns their number; stops soon after
   * {@link #FEW}.
   */
  private int findCandidates(int begin, int end) {
    int n = 0;
    for (int from = begin; from < end && n <= FEW; from += FEW) {
      int to = Math.min(from + FEW, end);
      for (int id = from; id < to; id++) {
        candidates[n] = id; // kept only if n grows: without a branch, which would be mispredicted
        n += logits[id] >= floor ? 1 : 0; // 0 for NaN
      }
    }
    return n;
  }

  /** Computes only the blocks of words that the candidates need. */
  private void drawAmongFew(int position, int nCandidates) {
    for (int i = 0; i < nCandidates; i++) {
      int id = candidates[i];
      if (logits[id] >= floor) { // the floor may have risen since
        Philox.block(position, CHOICE, id / WORDS, 0, seedLow, seedHigh, words);
        challenge(id, words[id % WORDS]);
      }
    }
  }

  /** Computes all words at once, and excludes most of them with one comparison each. */
  private void drawAmongMany(int position, int begin, int end) {
    run.compute(position, CHOICE, begin / WORDS, seedLow, seedHigh);
    long least = Gumbel.leastWord(winning, highest[begin / RUN_IDS] / temperature);
    for (int block = 0; begin + block * WORDS < end; block++) {
      if (run.reaches(block, least)) {
        int first = begin + block * WORDS;
        for (int id = first; id < Math.min(first + WORDS, end); id++) {
          if (logits[id] >= floor) {
            challenge(id, run.word(block, id - first));
          }
        }
      }
    }
  }

  private float highest(int begin, int end) {
    float highest = Float.NEGATIVE_INFINITY;
    for (int id = begin; id < end; id++) {
      float logit = logits[id];
      highest = logit > highest ? logit : highest;
    }
    return highest;
  }

  /** Makes an id the winner if its sum is the largest so far. */
  private void challenge(int id, int word) {
    double scaled = logits[id] / temperature;
    if (scaled + Gumbel.upperBound(word) < winning || !kept(id, scaled - bestScaled)) {
      return;
    }
    double sum = scaled + Gumbel.noise(word);
    if (sum > winning || (sum == winning && id < winner)) {
      winner = id;
      winning = sum;
      floor = floor();
    }
  }

  private boolean kept(int id, double belowBest) {
    return KeyHeap.key(logits[id], id) >= cut && (minP == 0 || StrictMath.exp(belowBest) >= minP);
  }

  /** The floor of logits: a lower logit is either cut off or cannot reach {@link #winning}. */
  private float floor() {
    double bound = (winning - Gumbel.MAX) * temperature;
    float canWin = (float) (bound - Math.abs(bound) * 1e-6); // leaves room for its own rounding
    return cut == KeyHeap.LOWEST ? canWin : Math.max(canWin, KeyHeap.value(cut));
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
