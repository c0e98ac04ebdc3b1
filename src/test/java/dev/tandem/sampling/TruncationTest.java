package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.settings.SamplingOptions;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Top-k and top-p keep exactly what sorting everything and summing in order keeps. */
@Tag("slow")
class TruncationTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final int[] SIZES = {1, 2, 3, 5, 13, 64, 207, 1000};

  @Test
  void keepsWhatTheDefinitionKeeps() {
    int rounds = LONG ? 3000 : 200;
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      for (LogitMaker.Shape shape : LogitMaker.Shape.values()) {
        int vocabSize = SIZES[random.nextInt(SIZES.length)];
        check(shape, vocabSize, options(random, vocabSize), random, seed);
      }
    }
  }

  @Test
  void keepsItAtFullSize() {
    int rounds = LONG ? 60 : 5;
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      for (LogitMaker.Shape shape : LogitMaker.Shape.values()) {
        check(shape, 50_257, options(random, 50_257), random, seed);
      }
    }
  }

  /** Equal weights put top-p's sums exactly on its boundary, where bounds cannot decide. */
  @Test
  void decidesExactBoundaries() {
    for (int vocabSize : new int[] {2, 4, 10, 64, 1000}) {
      for (int n = 1; n <= vocabSize; n++) {
        double boundary = (double) n / vocabSize;
        for (double topP :
            new double[] {Math.nextDown(boundary), boundary, Math.nextUp(boundary)}) {
          if (topP <= 1) {
            SamplingOptions options = SamplingOptions.builder().topP(topP).build();
            assertThat(kept(new float[vocabSize], options))
                .as("%d of %d, top-p %s", n, vocabSize, topP)
                .isEqualTo(NaiveSampler.kept(new float[vocabSize], options));
          }
        }
      }
    }
  }

  @Test
  void comparisonNoticesOneTokenMore() {
    float[] logits = LogitMaker.make(LogitMaker.Shape.BELL, 1000, new Random(1));
    SamplingOptions options = SamplingOptions.builder().topP(0.9).build();
    int n = kept(logits, options).size();
    assertThat(kept(logits, SamplingOptions.builder().topP(1).topK(n + 1).build()))
        .isNotEqualTo(NaiveSampler.kept(logits, options));
    assertThat(kept(logits, SamplingOptions.builder().topP(1).topK(n).build()))
        .isEqualTo(NaiveSampler.kept(logits, options));
  }

  private static SamplingOptions options(Random random, int vocabSize) {
    double[] topPs = {0, 1e-9, 0.1, 0.5, 0.9, 0.95, 0.999, 1 - 1e-12, 1, random.nextDouble()};
    double[] temperatures = {1e-3, 0.3, 0.7, 1, 1.3, 5, 1e4};
    return SamplingOptions.builder()
        .temperature(temperatures[random.nextInt(temperatures.length)])
        .topK(random.nextBoolean() ? 0 : random.nextInt(vocabSize + 2))
        .topP(topPs[random.nextInt(topPs.length)])
        .build();
  }

  private static void check(
      LogitMaker.Shape shape, int vocabSize, SamplingOptions options, Random random, long seed) {
    float[] logits = LogitMaker.make(shape, vocabSize, random);
    if (Argmax.of(logits) == Sampler.NO_TOKEN) {
      return;
    }
    assertThat(kept(logits, options))
        .as("seed %d, %s, vocabulary %d, %s", seed, shape, vocabSize, options)
        .isEqualTo(NaiveSampler.kept(logits, options));
  }

  /** What the cut keeps, in descending order. */
  private static List<Integer> kept(float[] logits, SamplingOptions options) {
    float best = logits[Argmax.of(logits)];
    long cut = new Truncation(options, logits.length).cut(logits, best);
    return IntStream.range(0, logits.length)
        .filter(id -> logits[id] > Float.NEGATIVE_INFINITY)
        .mapToLong(id -> ~KeyHeap.key(logits[id], id))
        .filter(complement -> ~complement >= cut)
        .sorted()
        .mapToObj(complement -> KeyHeap.id(~complement))
        .collect(Collectors.toList());
  }
}
