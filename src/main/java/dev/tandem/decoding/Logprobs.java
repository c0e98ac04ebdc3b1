package dev.tandem.decoding;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.TokenLogprob;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Log-probabilities of one row of logits: {@code x[i] - max - ln(sum over j of exp(x[j] - max))},
 * in double precision with {@code StrictMath}, the sum in the order of the ids. So equal logits
 * give equal bits on every machine.
 */
final class Logprobs {
  /** The best first; of equal ones the one with the lower id. NaN counts as negative infinity. */
  private static final Comparator<TokenLogprob> BEST_FIRST =
      Comparator.comparingDouble(TokenLogprob::logprob)
          .reversed()
          .thenComparingInt(TokenLogprob::id);

  private final int vocabSize;
  private final int nTop;

  /**
   * @param vocabSize logits that count, from id 0 on
   * @param nTop how many of the best to report
   */
  Logprobs(int vocabSize, int nTop) {
    this.vocabSize = vocabSize;
    this.nTop = Math.min(nTop, vocabSize);
  }

  /**
   * The log-probability of a token and those of the best ones.
   *
   * @param logits {@code [vocabSize]} f32 from index {@code offset}
   */
  GeneratedToken of(FloatBuffer logits, int offset, int id) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabSize; i++) {
      max = Math.max(max, logit(logits, offset + i));
    }
    double sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      sum += StrictMath.exp(logit(logits, offset + i) - max);
    }
    double logSum = max + StrictMath.log(sum);
    return new GeneratedToken(
        id, logit(logits, offset + id) - logSum, best(logits, offset, logSum));
  }

  private List<TokenLogprob> best(FloatBuffer logits, int offset, double logSum) {
    PriorityQueue<TokenLogprob> kept = new PriorityQueue<>(nTop + 1, BEST_FIRST.reversed());
    for (int i = 0; i < vocabSize && nTop > 0; i++) {
      double logprob = logit(logits, offset + i) - logSum;
      if (kept.size() < nTop || logprob > kept.element().logprob()) {
        kept.add(new TokenLogprob(i, logprob));
        if (kept.size() > nTop) {
          kept.remove();
        }
      }
    }
    List<TokenLogprob> sorted = new ArrayList<>(kept);
    sorted.sort(BEST_FIRST);
    return sorted;
  }

  private static double logit(FloatBuffer logits, int index) {
    float x = logits.get(index);
    return Float.isNaN(x) ? Double.NEGATIVE_INFINITY : x;
  }
}
