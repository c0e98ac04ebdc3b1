package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Draws of llama2.c's own sampler: its {@code sample()} compiled by gcc with {@code
 * -ffp-contract=off} and called on the logits of {@link #logits}.
 */
class Llama2cSamplerTest {
  private static final JsonNode VECTORS =
      SamplingVectorsTest.read("/sampling/llama2c-vectors.json");

  @Test
  void drawsWhatRunCDraws() {
    for (int number = 0; number < VECTORS.size(); number++) {
      JsonNode example = VECTORS.get(number);
      assertThat(draws(number, Long.parseUnsignedLong(example.get("seed").asText())))
          .as("case %d: %s", number, example)
          .isEqualTo(tokens(example));
    }
  }

  @Test
  void anotherSeedDrawsOtherTokens() {
    assertThat(draws(0, 133743)).isNotEqualTo(tokens(VECTORS.get(0)));
  }

  @Test
  void brokenLogitsGiveNoToken() {
    SamplingOptions options = SamplingOptions.builder().rng(Rng.LLAMA2C).seed(1).build();
    float[][] broken = {
      {Float.NaN, 1},
      {1, Float.POSITIVE_INFINITY},
      {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY}
    };
    for (float[] logits : broken) {
      assertThat(Samplers.of(options, 2).sample(LogitMaker.direct(logits, 0), 0, 0))
          .isEqualTo(Sampler.NO_TOKEN);
    }
  }

  @Test
  void topPBelowWhatAnyTokenHasTakesTheBest() {
    SamplingOptions options = SamplingOptions.builder().topP(0.01).rng(Rng.LLAMA2C).seed(1).build();
    assertThat(
            Samplers.of(options, 3).sample(LogitMaker.direct(new float[] {0, 1e-6f, 0}, 0), 0, 0))
        .isEqualTo(1);
  }

  @Test
  void refusesOptionsThatLlama2cDoesNotHave() {
    SamplingOptions plain = SamplingOptions.builder().rng(Rng.LLAMA2C).seed(1).build();
    SamplingOptions[] refused = {
      plain.toBuilder().topK(3).build(),
      plain.toBuilder().minP(0.1).build(),
      plain.toBuilder().repeatPenalty(1.1).build(),
      plain.toBuilder().presencePenalty(0.1).build(),
      plain.toBuilder().frequencyPenalty(0.1).build(),
      plain.toBuilder().logitBias(Map.of(1, 1.0)).build(),
      plain.toBuilder().seed(0).build()
    };
    for (SamplingOptions options : refused) {
      assertThatThrownBy(() -> Samplers.of(options, 8))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("llama2.c");
    }
  }

  private static int[] draws(int number, long seed) {
    JsonNode example = VECTORS.get(number);
    SamplingOptions options =
        SamplingOptions.builder()
            .temperature(example.get("temperature").asDouble())
            .topP(example.get("topP").asDouble())
            .rng(Rng.LLAMA2C)
            .seed(seed)
            .build();
    int vocabSize = example.get("vocabSize").asInt();
    Sampler sampler = Samplers.of(options, vocabSize);
    int[] draws = new int[example.get("tokens").size()];
    for (int i = 0; i < draws.length; i++) {
      float spread = (float) example.get("spread").asDouble();
      float[] logits = logits(vocabSize, 1000L * (number + 1) + i, spread);
      draws[i] = sampler.sample(LogitMaker.direct(logits, 0), 0, i);
    }
    return draws;
  }

  private static int[] tokens(JsonNode example) {
    int[] tokens = new int[example.get("tokens").size()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = example.get("tokens").get(i).asInt();
    }
    return tokens;
  }

  /** The logits that the draws were made from. */
  private static float[] logits(int vocabSize, long seed, float spread) {
    XorShift random = new XorShift(seed);
    float[] logits = new float[vocabSize];
    for (int i = 0; i < vocabSize; i++) {
      float a = random.nextFloat();
      float b = random.nextFloat();
      logits[i] = (a - b) * spread;
    }
    return logits;
  }
}
