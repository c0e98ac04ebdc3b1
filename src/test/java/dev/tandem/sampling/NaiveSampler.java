package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Steps 4 to 9 of docs/sampling.md exactly as defined: sorts everything, draws noise for all. */
final class NaiveSampler {

  private NaiveSampler() {}

  /** The token drawn from logits that need no adjustment. */
  static int sample(float[] logits, SamplingOptions options, int position) {
    List<Integer> kept = kept(logits, options);
    if (kept.isEmpty()) {
      return Sampler.NO_TOKEN;
    }
    if (options.temperature() == 0) {
      return kept.get(0);
    }
    int winner = Sampler.NO_TOKEN;
    double winning = Double.NEGATIVE_INFINITY;
    for (int id : kept.stream().sorted().collect(Collectors.toList())) {
      double sum = logits[id] / options.temperature() + noise(options.seed(), position, id);
      if (winner == Sampler.NO_TOKEN || sum > winning) {
        winner = id;
        winning = sum;
      }
    }
    return winner;
  }

  /** What top-k, top-p and min-p leave, in descending order. */
  static List<Integer> kept(float[] logits, SamplingOptions options) {
    List<Integer> kept =
        IntStream.range(0, logits.length)
            .filter(id -> logits[id] > Float.NEGATIVE_INFINITY)
            .boxed()
            .sorted(
                Comparator.<Integer>comparingDouble(id -> -(logits[id] + 0.0))
                    .thenComparing(Comparator.naturalOrder()))
            .collect(Collectors.toList());
    double t = options.temperature();
    if (kept.isEmpty() || t == 0) {
      return kept;
    }
    double best = logits[kept.get(0)] / t;
    if (options.topK() > 0 && options.topK() < kept.size()) {
      kept = kept.subList(0, options.topK());
    }
    if (options.topP() < 1) {
      kept = kept.subList(0, nucleus(logits, t, best, kept, options.topP()));
    }
    List<Integer> result = new ArrayList<>();
    for (int id : kept) {
      if (options.minP() == 0 || StrictMath.exp(logits[id] / t - best) >= options.minP()) {
        result.add(id);
      }
    }
    return result;
  }

  private static int nucleus(
      float[] logits, double t, double best, List<Integer> ordered, double topP) {
    double sum = 0;
    for (int id : ordered) {
      sum += StrictMath.exp(logits[id] / t - best);
    }
    double wanted = topP * sum;
    double reached = 0;
    int n = 0;
    do {
      reached += StrictMath.exp(logits[ordered.get(n)] / t - best);
      n++;
    } while (reached < wanted);
    return n;
  }

  private static double noise(long seed, int position, int id) {
    int[] words = new int[4];
    Philox.block(position, 0, id >> 2, 0, (int) seed, (int) (seed >>> 32), words);
    double u = ((words[id & 3] >>> 8) + 0.5) / (1 << 24);
    return -StrictMath.log(-StrictMath.log(u));
  }
}
