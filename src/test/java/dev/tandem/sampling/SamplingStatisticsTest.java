package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Frequencies of draws against the probabilities they should have, by Pearson's chi-squared. */
@Tag("slow")
class SamplingStatisticsTest {
  private static final int SEEDS = Boolean.getBoolean("tandem.long") ? 3 : 1;
  private static final int DRAWS = Boolean.getBoolean("tandem.long") ? 2_000_000 : 100_000;
  private static final int VOCAB = 40;

  @Test
  void frequenciesAreTheSoftmax() {
    for (long seed = 1; seed <= SEEDS; seed++) {
      assertThat(excess(options(seed).temperature(1).build(), 1)).as("seed %d", seed).isLessThan(5);
      assertThat(excess(options(seed).temperature(0.6).build(), 0.6)).isLessThan(5);
      assertThat(excess(options(seed).temperature(1.7).topK(20).build(), 1.7)).isLessThan(5);
      assertThat(excess(options(seed).topP(0.9).build(), 1)).isLessThan(5);
      assertThat(excess(options(seed).minP(0.005).build(), 1)).isLessThan(5);
      assertThat(excess(options(seed).rng(Rng.LLAMA2C).build(), 1)).isLessThan(5);
      assertThat(excess(options(seed).rng(Rng.LLAMA2C).temperature(0.6).build(), 0.6))
          .isLessThan(5);
    }
  }

  @Test
  void measureNoticesASlightlyWrongTemperature() {
    assertThat(excess(options(1).temperature(1).build(), 1.05)).isGreaterThan(10);
    assertThat(excess(options(1).rng(Rng.LLAMA2C).build(), 1.05)).isGreaterThan(10);
  }

  /** Neighbouring ids share a Philox block, neighbouring positions a key: both independent. */
  @Test
  void drawsOfNeighbouringPositionsAreIndependent() {
    Sampler sampler = Samplers.of(options(4).build(), 4);
    FloatBuffer logits = LogitMaker.direct(new float[4], 0);
    long[] pairs = new long[16];
    int last = sampler.sample(logits, 0, 0);
    for (int position = 1; position <= DRAWS; position++) {
      int token = sampler.sample(logits, 0, position);
      pairs[4 * last + token]++;
      last = token;
    }
    double[] expected = new double[16];
    Arrays.fill(expected, DRAWS / 16.0);
    assertThat(excess(pairs, expected)).isLessThan(5);
  }

  private static SamplingOptions.Builder options(long seed) {
    return SamplingOptions.builder().topP(1).seed(seed);
  }

  /** Standard deviations by which chi-squared exceeds its mean under softmax(logits / T). */
  private static double excess(SamplingOptions options, double temperature) {
    float[] logits = new float[VOCAB];
    Random random = new Random(options.seed());
    for (int id = 0; id < VOCAB; id++) {
      logits[id] = (float) random.nextGaussian();
    }
    List<Integer> kept = NaiveSampler.kept(logits, options);
    double[] expected = new double[VOCAB];
    for (int id : kept) {
      expected[id] = Math.exp(logits[id] / temperature);
    }
    double sum = Arrays.stream(expected).sum();
    Sampler sampler = Samplers.of(options, VOCAB);
    FloatBuffer buffer = LogitMaker.direct(logits, 0);
    long[] counts = new long[VOCAB];
    for (int position = 0; position < DRAWS; position++) {
      counts[sampler.sample(buffer, 0, position)]++;
    }
    return excess(counts, Arrays.stream(expected).map(e -> e / sum * DRAWS).toArray());
  }

  private static double excess(long[] counts, double[] expected) {
    double chiSquared = 0;
    int cells = 0;
    double restExpected = 0; // cells under 5 are pooled
    double restCount = 0;
    for (int i = 0; i < counts.length; i++) {
      if (expected[i] == 0) {
        assertThat(counts[i]).as("draws of token %d, which is cut off", i).isZero();
      } else if (expected[i] < 5) {
        restExpected += expected[i];
        restCount += counts[i];
      } else {
        chiSquared += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
        cells++;
      }
    }
    if (restExpected > 0) {
      chiSquared += (restCount - restExpected) * (restCount - restExpected) / restExpected;
      cells++;
    }
    double freedom = cells - 1;
    return (chiSquared - freedom) / Math.sqrt(2 * freedom);
  }
}
