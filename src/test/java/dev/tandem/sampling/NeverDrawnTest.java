package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ids that are never drawn, such as rows that pad a model's vocabulary. */
class NeverDrawnTest {
  private static final int VOCAB = 300;
  private static final int[] NEVER = {0, 7, 8, 9, 100, 298, 299};

  private static List<SamplingOptions> options() {
    SamplingOptions philox = SamplingOptions.builder().seed(11).build();
    SamplingOptions llama2c = SamplingOptions.builder().rng(Rng.LLAMA2C).seed(11).build();
    return List.of(
        philox,
        philox.toBuilder().temperature(0).build(),
        philox.toBuilder().topP(1).build(),
        philox.toBuilder().topK(5).repeatPenalty(1.2).build(),
        philox.toBuilder().minP(0.1).topP(1).build(),
        llama2c,
        llama2c.toBuilder().temperature(0).build(),
        llama2c.toBuilder().topP(1).build());
  }

  /** What is drawn is what would be if the model gave these ids no chance at all. */
  @ParameterizedTest
  @EnumSource(LogitMaker.Shape.class)
  void drawsAsIfTheirLogitsWereNegativeInfinity(LogitMaker.Shape shape) {
    Random random = new Random(5);
    for (SamplingOptions options : options()) {
      Sampler sampler = Samplers.of(options, VOCAB, NEVER);
      Sampler reference = Samplers.of(options, VOCAB);
      for (int position = 0; position < 50; position++) {
        float[] logits = LogitMaker.make(shape, VOCAB, random);
        logits[7] = 1e6f;
        float[] without = logits.clone();
        Arrays.stream(NEVER).forEach(id -> without[id] = Float.NEGATIVE_INFINITY);
        int id = sampler.sample(LogitMaker.direct(logits, 0), 0, position);
        assertThat(id)
            .as("%s, position %d", options, position)
            .isEqualTo(reference.sample(LogitMaker.direct(without, 0), 0, position));
        assertThat(NEVER).doesNotContain(id);
      }
    }
  }

  @Test
  void ifThereIsNothingElseThereIsNoToken() {
    for (SamplingOptions options : options()) {
      Sampler sampler = Samplers.of(options, 2, new int[] {0, 1});
      assertThat(sampler.sample(LogitMaker.direct(new float[] {1, 2}, 0), 0, 0))
          .isEqualTo(Sampler.NO_TOKEN);
    }
  }

  @Test
  void idsMustBeInTheVocabulary() {
    assertThatThrownBy(() -> Samplers.of(SamplingOptions.greedy(), 2, new int[] {2}))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
