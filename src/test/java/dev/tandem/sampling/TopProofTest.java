package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is decided from the best logits is what the whole row gives, and most draws are decided. */
@Tag("slow")
class TopProofTest {
  private static final long SEED = 20_261_130;
  private static final int ROUNDS = Boolean.getBoolean("tandem.long") ? 40 : 2;
  private static final int[] NEVER = {3, 50, 200};

  private final Random random = new Random(SEED);
  private int draws;
  private int undecided;

  private static Map<String, SamplingOptions> options() {
    SamplingOptions base = SamplingOptions.builder().seed(77).build();
    Map<String, SamplingOptions> all = new LinkedHashMap<>();
    all.put("greedy", SamplingOptions.greedy());
    for (double t : new double[] {0.3, 1, 2}) {
      all.put("T=" + t + " p=0.9", base.toBuilder().temperature(t).build());
      all.put("T=" + t + " p=1", base.toBuilder().temperature(t).topP(1).build());
    }
    all.put("top-k 1", base.toBuilder().topK(1).build());
    all.put("top-k 5", base.toBuilder().topK(5).topP(0.7).build());
    all.put("top-k 40", base.toBuilder().topK(40).topP(1).build());
    all.put("min-p", base.toBuilder().topP(1).minP(0.05).build());
    all.put("min-p top-p", base.toBuilder().minP(0.02).topP(0.8).build());
    all.put("repeat", base.toBuilder().repeatPenalty(1.3).build());
    all.put("repeat up", base.toBuilder().repeatPenalty(0.8).build());
    all.put("repeat greedy", base.toBuilder().temperature(0).repeatPenalty(1.3).build());
    all.put(
        "presence", base.toBuilder().presencePenalty(0.7).frequencyPenalty(0.4).topP(0.95).build());
    all.put("frequency up", base.toBuilder().frequencyPenalty(-0.5).build());
    Map<Integer, Double> bias =
        Map.of(0, 1.5, 7, -3.0, 9, Double.NEGATIVE_INFINITY, 100, 4.0, 101, -1e6);
    all.put("bias", base.toBuilder().logitBias(bias).build());
    all.put("bias T=0.3", base.toBuilder().logitBias(bias).temperature(0.3).topP(1).build());
    all.put(
        "all",
        base.toBuilder()
            .temperature(0.8)
            .topK(30)
            .topP(0.95)
            .minP(0.01)
            .repeatPenalty(1.1)
            .presencePenalty(0.2)
            .frequencyPenalty(0.1)
            .logitBias(bias)
            .build());
    all.put("tiny T", base.toBuilder().temperature(1e-30).build());
    all.put("huge T", base.toBuilder().temperature(1e30).build());
    return all;
  }

  /** Draws with and without the whole row, over a text that grows. */
  private void compare(
      SamplingOptions options,
      int k,
      int vocab,
      int rowVocab,
      List<float[]> rows,
      int[] never,
      boolean sums) {
    Sampler sampler = Samplers.of(options, vocab, never);
    double[] temperatures =
        options.temperature() == 0 || !sums
            ? new double[0]
            : new double[] {1, options.temperature()};
    TopSelection selection = new TopSelection(rowVocab, k, temperatures);
    for (int i = 0; i < 20; i++) {
      sampler.acceptPrompt(random.nextInt(vocab));
    }
    int position = random.nextInt(1000);
    for (float[] row : rows) {
      FloatBuffer whole = LogitMaker.direct(row, 1);
      int decided = sampler.decide(selection.of(whole, 1), position);
      int drawn = sampler.sample(whole, 1, position);
      draws++;
      if (decided == Sampler.UNDECIDED) {
        undecided++;
      } else {
        assertThat(decided)
            .as("seed %d, %s, k = %d, position %d", SEED, options, k, position)
            .isEqualTo(drawn);
      }
      if (drawn != Sampler.NO_TOKEN) {
        sampler.accept(drawn);
      }
      position++;
    }
  }

  private List<float[]> rows(LogitMaker.Shape shape, int vocab, int n) {
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      rows.add(LogitMaker.make(shape, vocab, random));
    }
    return rows;
  }

  /**
   * Rows as language models give them: many low logits, a few high ones, now and then one alone.
   */
  private List<float[]> realRows(int vocab, int n) {
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      float[] row = new float[vocab];
      for (int id = 0; id < vocab; id++) {
        row[id] = (float) (-90 + 2.2 * random.nextGaussian());
      }
      int high = 1 + random.nextInt(60);
      double above = 8 + 10 * random.nextDouble();
      for (int j = 0; j < high; j++) {
        double lower = 2 * Math.log(j + 1.0);
        row[random.nextInt(vocab)] += (float) (above + 2 * random.nextGaussian() - lower);
      }
      rows.add(row);
    }
    return rows;
  }

  @ParameterizedTest
  @EnumSource(LogitMaker.Shape.class)
  void whatIsDecidedIsWhatTheWholeRowGives(LogitMaker.Shape shape) {
    for (int round = 0; round < ROUNDS; round++) {
      for (SamplingOptions options : options().values()) {
        for (int k : new int[] {1, 2, 8, 64, 1024}) {
          int vocab = 257 + random.nextInt(500);
          int rowVocab = vocab + random.nextInt(3) * 10;
          List<float[]> rows = rows(shape, vocab + 20, 8);
          compare(options, k, vocab, rowVocab, rows, NEVER, random.nextInt(4) > 0);
        }
      }
    }
    assertThat(draws).isGreaterThanOrEqualTo(ROUNDS * 5 * 8 * 20);
    assertThat(undecided / (double) draws).as("%s", shape).isLessThan(0.75);
  }

  /**
   * Over rows of a vocabulary of 1024, and 400 draws each: at most this share stays open. With
   * logits that fall slowly behind the last listed one, or noise that is large beside them (T = 2),
   * the best logits settle little; that is what the numbers say.
   */
  @ParameterizedTest
  @CsvSource({
    "greedy, 0, 0, 0",
    "top-k 1, 0, 0, 0",
    "tiny T, 0, 0, 0",
    "T=0.3 p=0.9, 0.1, 0.05, 0.01",
    "T=0.3 p=1, 0.7, 0.07, 0.01",
    "T=1.0 p=0.9, 0.65, 0.25, 0.05",
    "T=1.0 p=1, 0.95, 0.65, 0.1",
    "T=2.0 p=0.9, 0.97, 0.85, 0.45",
    "T=2.0 p=1, 1, 0.95, 0.55",
    "top-k 5, 0.35, 0, 0",
    "top-k 40, 0.98, 0.7, 0",
    "min-p, 0.8, 0.15, 0.01",
    "min-p top-p, 0.5, 0.1, 0.02",
    "repeat, 0.7, 0.4, 0.08",
    "repeat greedy, 0.02, 0.01, 0",
    "presence, 0.97, 0.6, 0.08",
    "frequency up, 0.97, 0.55, 0.08",
    "bias, 0.97, 0.6, 0.1",
    "bias T=0.3, 0.9, 0.35, 0.02",
    "all, 0.9, 0.35, 0.03"
  })
  void mostDrawsAreDecided(String name, double of2, double of8, double of64) {
    double[] shares = {of2, of8, of64};
    int[] ks = {2, 8, 64};
    for (int i = 0; i < ks.length; i++) {
      draws = 0;
      undecided = 0;
      for (int text = 0; text < 10; text++) {
        compare(named(name), ks[i], 1024, 1024, realRows(1024, 40), new int[0], true);
      }
      assertThat(undecided / (double) draws)
          .as("%s, k = %d, %d draws", name, ks[i], draws)
          .isLessThanOrEqualTo(shares[i]);
    }
  }

  private static SamplingOptions named(String name) {
    return Objects.requireNonNull(options().get(name));
  }

  /** GPT-2's vocabulary, where the ids outside of the list are many. */
  @ParameterizedTest
  @CsvSource({"greedy, 0", "T=0.3 p=0.9, 0.1", "T=1.0 p=0.9, 0.6", "top-k 40, 0", "all, 0.3"})
  void manyDrawsOfALargeVocabularyAreDecided(String name, double share) {
    for (int text = 0; text < 10; text++) {
      compare(named(name), 64, 50_257, 50_257, realRows(50_257, 8), new int[0], true);
    }
    assertThat(undecided / (double) draws).isLessThanOrEqualTo(share);
  }

  /** Negative control: noise of another position, and a row with another best logit, do differ. */
  @Test
  void differencesAreSeen() {
    SamplingOptions options = named("T=1.0 p=0.9");
    Sampler sampler = Samplers.of(options, 1024);
    TopSelection selection = new TopSelection(1024, 64, new double[] {1});
    int differences = 0;
    for (float[] row : realRows(1024, 200)) {
      FloatBuffer whole = LogitMaker.direct(row, 0);
      TopLogits top = selection.of(whole, 0);
      int drawn = sampler.sample(whole, 0, 8);
      differences += sampler.decide(top, 9) == drawn ? 0 : 1;
      row[(drawn + 1) % 1024] = 100;
      int other = sampler.decide(selection.of(LogitMaker.direct(row, 0), 0), 8);
      assertThat(other).isEqualTo((drawn + 1) % 1024);
    }
    assertThat(differences).isGreaterThan(50);
  }

  @Test
  void llama2cNeedsWholeRows() {
    Sampler sampler = Samplers.of(SamplingOptions.builder().rng(Rng.LLAMA2C).seed(1).build(), 4);
    FloatBuffer row = FloatBuffer.wrap(new float[] {1, 2, 3, 4});
    assertThat(sampler.decide(new TopSelection(4, 4, new double[0]).of(row, 0), 0))
        .isEqualTo(Sampler.UNDECIDED);
  }

  @Test
  void aRowShorterThanTheVocabularyIsRefused() {
    Sampler sampler = Samplers.of(SamplingOptions.greedy(), 5);
    FloatBuffer row = FloatBuffer.wrap(new float[] {1, 2, 3, 4});
    TopLogits top = new TopSelection(4, 2, new double[0]).of(row, 0);
    assertThatThrownBy(() -> sampler.decide(top, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a row of 4 logits, the sampler needs 5");
  }
}
