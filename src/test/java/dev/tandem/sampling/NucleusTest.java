package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.settings.SamplingOptions;
import java.nio.FloatBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the bounds say of a token under top-p is true, and they seldom say nothing. */
@Tag("slow")
class NucleusTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final int[] SIZES = {2, 3, 5, 13, 64, 207, 1000, 1024, 2500};
  private static final float[] SCALES = {0.1f, 0.5f, 1, 1, 3};

  @Test
  void exponentialIsWithinItsError() {
    for (float x = 0; x <= Nucleus.MAX_BELOW; x += 0x1p-10f) {
      double exact = StrictMath.exp(-x);
      double error = Math.abs(Nucleus.expMinus(x) - exact) / exact;
      // A quarter is left for the rounding of (best - logit) / T.
      assertThat(error).as("e^-%s", x).isLessThan(0.75 * Nucleus.EXP_ERROR);
    }
  }

  /** Every token of random logits, for top-p at random and right at, before and after its sum. */
  @Test
  void verdictsAreThoseOfTheDefinition() {
    int rounds = LONG ? 2000 : 12;
    Map<Nucleus.Verdict, Integer> verdicts = new EnumMap<>(Nucleus.Verdict.class);
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      for (LogitMaker.Shape shape : LogitMaker.Shape.values()) {
        float[] logits = logits(shape, SIZES[random.nextInt(SIZES.length)], random);
        if (Argmax.of(logits) == Sampler.NO_TOKEN) {
          continue;
        }
        double temperature = List.of(0.3, 1.0, 1.0, 5.0).get(random.nextInt(4));
        double topP = topP(logits, temperature, random);
        SamplingOptions options =
            SamplingOptions.builder().temperature(temperature).topP(topP).build();
        String what = "seed " + seed + ", " + shape + ", " + logits.length + ", " + options;
        checkAll(logits, options, what).forEach((v, n) -> verdicts.merge(v, n, Integer::sum));
      }
    }
    assertThat(verdicts.get(Nucleus.Verdict.KEPT)).isGreaterThan(1000);
    assertThat(verdicts.get(Nucleus.Verdict.CUT)).isGreaterThan(1000);
    assertThat(verdicts.get(Nucleus.Verdict.OPEN)).isGreaterThan(1000);
  }

  private static Map<Nucleus.Verdict, Integer> checkAll(
      float[] logits, SamplingOptions options, String what) {
    int best = Argmax.of(logits);
    List<Integer> kept = NaiveSampler.kept(logits, options);
    boolean[] isKept = new boolean[logits.length];
    kept.forEach(id -> isKept[id] = true);
    Nucleus nucleus = new Nucleus(options, logits.length);
    Map<Nucleus.Verdict, Integer> verdicts = new EnumMap<>(Nucleus.Verdict.class);
    for (int id = 0; id < logits.length; id++) {
      if (id != best && logits[id] > Float.NEGATIVE_INFINITY) {
        Nucleus.Verdict verdict = nucleus.test(logits, logits[best], id);
        verdicts.merge(verdict, 1, Integer::sum);
        if (verdict != Nucleus.Verdict.OPEN) {
          assertThat(verdict == Nucleus.Verdict.KEPT)
              .as("%s, id %d", what, id)
              .isEqualTo(isKept[id]);
        }
      }
    }
    return verdicts;
  }

  /**
   * Draws whose first winner, the one without top-p, is kept, cut, or so near the boundary that
   * everything is put in order: each kind is drawn, and as the definition draws it.
   */
  @Test
  void drawsByEveryPath() {
    int rounds = LONG ? 3000 : 300;
    Map<Nucleus.Verdict, Integer> paths = new EnumMap<>(Nucleus.Verdict.class);
    int best = 0;
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      for (LogitMaker.Shape shape : LogitMaker.Shape.values()) {
        float[] logits = logits(shape, 2 + random.nextInt(300), random);
        if (Argmax.of(logits) == Sampler.NO_TOKEN) {
          continue;
        }
        SamplingOptions all = SamplingOptions.builder().topP(1).seed(random.nextLong()).build();
        int position = random.nextInt(Integer.MAX_VALUE);
        int first = NaiveSampler.sample(logits, all, position);
        double topP = random.nextBoolean() ? random.nextDouble() : near(logits, 1, first, random);
        double minP = random.nextInt(4) == 0 ? random.nextDouble() / 10 : 0;
        SamplingOptions options = all.toBuilder().topP(topP).minP(minP).build();
        FloatBuffer buffer = LogitMaker.direct(logits, 0);
        assertThat(Samplers.of(options, logits.length).sample(buffer, 0, position))
            .as("seed %d, %s, %d, %s", seed, shape, logits.length, options)
            .isEqualTo(NaiveSampler.sample(logits, options, position));
        float top = logits[Argmax.of(logits)];
        if (first == Argmax.of(logits)) {
          best++;
        } else {
          paths.merge(
              new Nucleus(options, logits.length).test(logits, top, first), 1, Integer::sum);
        }
      }
    }
    assertThat(best).isGreaterThan(100);
    assertThat(paths.get(Nucleus.Verdict.KEPT)).isGreaterThan(100);
    assertThat(paths.get(Nucleus.Verdict.CUT)).isGreaterThan(100);
    assertThat(paths.get(Nucleus.Verdict.OPEN)).isGreaterThan(100);
  }

  /** Ordering a whole vocabulary takes milliseconds: it must be rare, also for flat logits. */
  @Test
  void ordinaryDrawsPutNothingInOrder() {
    int open = 0;
    int tested = 0;
    for (long seed = 1; seed <= 20; seed++) {
      Random random = new Random(seed);
      for (LogitMaker.Shape shape :
          List.of(
              LogitMaker.Shape.BELL,
              LogitMaker.Shape.PEAKED,
              LogitMaker.Shape.FLAT,
              LogitMaker.Shape.ALL_EQUAL)) {
        float[] logits = LogitMaker.make(shape, 50_257, random);
        int best = Argmax.of(logits);
        FloatBuffer buffer = LogitMaker.direct(logits, 0);
        SamplingOptions all = SamplingOptions.builder().topP(1).seed(seed).build();
        Sampler sampler = Samplers.of(all, logits.length);
        Nucleus nucleus = new Nucleus(all.toBuilder().topP(0.9).build(), logits.length);
        for (int position = 0; position < 20; position++) {
          int first = sampler.sample(buffer, 0, position);
          if (first != best) {
            tested++;
            open += nucleus.test(logits, logits[best], first) == Nucleus.Verdict.OPEN ? 1 : 0;
          }
        }
      }
    }
    assertThat(tested).isGreaterThan(1000);
    assertThat(open).isLessThanOrEqualTo(tested / 200);
  }

  /** A part of top-p so small that the best token is enough of it, whatever the others weigh. */
  @Test
  void tinyTopPLeavesTheBest() {
    float[] equal = new float[1000];
    for (double topP : new double[] {0, 1e-300, 1e-9, Math.nextDown(1e-3), 1e-3}) {
      SamplingOptions options = SamplingOptions.builder().topP(topP).seed(1).build();
      assertThat(draws(equal, options, 50)).as("top-p %s", topP).isEqualTo(1);
    }
    SamplingOptions options = SamplingOptions.builder().topP(2e-3).seed(1).build();
    assertThat(draws(equal, options, 50)).isEqualTo(2);
  }

  /** How many different tokens are drawn; each must be the definition's. */
  private static long draws(float[] logits, SamplingOptions options, int n) {
    Sampler sampler = Samplers.of(options, logits.length);
    FloatBuffer buffer = LogitMaker.direct(logits, 0);
    return java.util.stream.IntStream.range(0, n)
        .map(
            position -> {
              int id = sampler.sample(buffer, 0, position);
              assertThat(id).isEqualTo(NaiveSampler.sample(logits, options, position));
              return id;
            })
        .distinct()
        .count();
  }

  private static float[] logits(LogitMaker.Shape shape, int vocabSize, Random random) {
    float[] logits = LogitMaker.make(shape, vocabSize, random);
    float scale = SCALES[random.nextInt(SCALES.length)];
    for (int id = 0; id < vocabSize; id++) {
      logits[id] *= scale;
    }
    return logits;
  }

  private static double topP(float[] logits, double temperature, Random random) {
    List<Integer> all = NaiveSampler.kept(logits, SamplingOptions.builder().topP(1).build());
    return random.nextBoolean()
        ? random.nextDouble()
        : near(logits, temperature, all.get(random.nextInt(all.size())), random);
  }

  /** A top-p at which it is hard, or nearly hard, to say whether {@code id} is kept. */
  private static double near(float[] logits, double temperature, int id, Random random) {
    List<Integer> all = NaiveSampler.kept(logits, SamplingOptions.builder().topP(1).build());
    double best = logits[all.get(0)] / temperature;
    double sum = 0;
    double before = 0;
    for (int other : all) {
      before = other == id ? sum : before;
      sum += StrictMath.exp(logits[other] / temperature - best);
    }
    double boundary = before / sum;
    double[] steps = {-1e-3, -1e-5, -1e-9, 1e-9, 1e-5, 1e-3};
    int which = random.nextInt(steps.length + 3);
    double topP =
        which < steps.length
            ? boundary + steps[which]
            : which == steps.length
                ? boundary
                : which == steps.length + 1 ? Math.nextDown(boundary) : Math.nextUp(boundary);
    return Math.max(0, Math.min(1, topP));
  }
}
