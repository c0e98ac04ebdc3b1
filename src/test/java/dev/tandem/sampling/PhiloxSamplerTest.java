package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.settings.SamplingOptions;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The sampler draws what the definition draws. */
@Tag("slow")
class PhiloxSamplerTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");

  @Test
  void drawsWhatTheDefinitionDraws() {
    int rounds = LONG ? 3000 : 200;
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      for (LogitMaker.Shape shape : LogitMaker.Shape.values()) {
        check(shape, 1 + random.nextInt(300), options(random), random, seed, 10);
      }
    }
  }

  @Test
  void drawsItAtFullSize() {
    int rounds = LONG ? 60 : 5;
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      for (LogitMaker.Shape shape : LogitMaker.Shape.values()) {
        check(shape, 50_257, options(random), random, seed, 2);
      }
    }
  }

  @Test
  void comparisonNoticesAnotherPositionSeedOrTemperature() {
    float[] logits = LogitMaker.make(LogitMaker.Shape.BELL, 1000, new Random(1));
    SamplingOptions options = SamplingOptions.builder().topP(1).seed(5).build();
    assertThat(agreements(logits, options, options, 0)).isEqualTo(200);
    assertThat(agreements(logits, options, options, 1)).isLessThan(20);
    assertThat(agreements(logits, options, options.toBuilder().seed(5L << 32).build(), 0))
        .isLessThan(20);
    assertThat(agreements(logits, options, options.toBuilder().temperature(1.2).build(), 0))
        .isLessThan(199);
  }

  /** How many of 200 draws agree with the definition's at a position {@code shift} higher. */
  private static int agreements(
      float[] logits, SamplingOptions options, SamplingOptions naive, int shift) {
    Sampler sampler = Samplers.of(options, logits.length);
    FloatBuffer buffer = LogitMaker.direct(logits, 0);
    int agreements = 0;
    for (int position = 0; position < 200; position++) {
      int token = sampler.sample(buffer, 0, position);
      agreements += token == NaiveSampler.sample(logits, naive, position + shift) ? 1 : 0;
    }
    return agreements;
  }

  /** Noise of more than 14 occurs once in a million draws; it must still be found. */
  @Test
  void aTokenFarBehindCanWin() {
    int position = 0;
    while (noise(position, 1) < 14) {
      position++;
    }
    double lead = noise(position, 1) - noise(position, 0);
    SamplingOptions options = SamplingOptions.builder().topP(1).seed(1).build();
    Sampler sampler = Samplers.of(options, 2);
    float[] behind = {0, (float) (-lead + 1e-3)};
    assertThat(sampler.sample(LogitMaker.direct(behind, 0), 0, position)).isEqualTo(1);
    float[] tooFar = {0, (float) (-lead - 1e-3)};
    assertThat(sampler.sample(LogitMaker.direct(tooFar, 0), 0, position)).isEqualTo(0);
  }

  /** A temperature at which the better token's lead is the other's advantage in noise, exactly. */
  @Test
  void equalSumsGoToTheLowerId() {
    float[] logits = {1, 2};
    int ties = 0;
    for (int position = 0; position < 100; position++) {
      double advantage = noise(position, 0) - noise(position, 1);
      if (advantage < 0.1) {
        continue;
      }
      double t = 1 / advantage;
      if (logits[0] / t + noise(position, 0) != logits[1] / t + noise(position, 1)) {
        continue;
      }
      ties++;
      SamplingOptions options = SamplingOptions.builder().temperature(t).topP(1).seed(1).build();
      assertThat(Samplers.of(options, 2).sample(LogitMaker.direct(logits, 0), 0, position))
          .as("position %d", position)
          .isEqualTo(0);
    }
    assertThat(ties).isGreaterThan(5);
  }

  /** The noise of an id below 4 under seed 1. */
  private static double noise(int position, int id) {
    int[] words = new int[4];
    Philox.block(position, 0, 0, 0, 1, 0, words);
    return Gumbel.noise(words[id]);
  }

  @Test
  void leavesTheBufferAloneAndReadsOnlyItsWindow() {
    float[] logits = {1, 2, Float.POSITIVE_INFINITY, 0};
    FloatBuffer buffer = LogitMaker.direct(logits, 7);
    buffer.position(3).limit(12);
    Sampler sampler = Samplers.of(SamplingOptions.builder().logitBias(Map.of(1, 9.0)).build(), 4);
    assertThat(sampler.sample(buffer, 7, 0)).isEqualTo(2);
    assertThat(buffer.position()).isEqualTo(3);
    assertThat(buffer.limit()).isEqualTo(12);
    for (int id = 0; id < logits.length; id++) {
      assertThat(buffer.get(7 + id)).isEqualTo(logits[id]);
    }
    assertThatThrownBy(() -> sampler.sample(buffer, 9, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void drawsDoNotDependOnDrawsBefore() {
    float[] logits = LogitMaker.make(LogitMaker.Shape.BELL, 500, new Random(3));
    FloatBuffer buffer = LogitMaker.direct(logits, 0);
    SamplingOptions options = SamplingOptions.builder().seed(9).build();
    Sampler upwards = Samplers.of(options, 500);
    Sampler downwards = Samplers.of(options, 500);
    int[] up = new int[50];
    for (int position = 0; position < 50; position++) {
      up[position] = upwards.sample(buffer, 0, position);
    }
    for (int position = 49; position >= 0; position--) {
      assertThat(downwards.sample(buffer, 0, position)).isEqualTo(up[position]);
    }
  }

  private static SamplingOptions options(Random random) {
    double[] temperatures = {0, 1e-3, 0.3, 0.7, 1, 1.3, 5, 1e4};
    double[] topPs = {0, 0.3, 0.9, 0.99, 1, 1, random.nextDouble()};
    double[] minPs = {0, 0, 0.01, 0.5, 1, random.nextDouble()};
    return SamplingOptions.builder()
        .temperature(temperatures[random.nextInt(temperatures.length)])
        .topK(random.nextInt(3) > 0 ? 0 : random.nextInt(100))
        .topP(topPs[random.nextInt(topPs.length)])
        .minP(minPs[random.nextInt(minPs.length)])
        .seed(random.nextLong())
        .build();
  }

  private static void check(
      LogitMaker.Shape shape,
      int vocabSize,
      SamplingOptions options,
      Random random,
      long seed,
      int draws) {
    float[] logits = LogitMaker.make(shape, vocabSize, random);
    int offset = random.nextInt(5);
    FloatBuffer buffer = LogitMaker.direct(logits, offset);
    Sampler sampler = Samplers.of(options, vocabSize);
    for (int i = 0; i < draws; i++) {
      int position = random.nextInt(Integer.MAX_VALUE);
      assertThat(sampler.sample(buffer, offset, position))
          .as("seed %d, %s, vocabulary %d, %s", seed, shape, vocabSize, options)
          .isEqualTo(NaiveSampler.sample(logits, options, position));
    }
  }
}
