package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.settings.SamplingOptions;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What penalties see; their arithmetic is in the vectors. */
class PenaltiesTest {
  private static final float[] LOGITS = {2, 1.9f, 1.8f, -1};

  @Test
  void repeatPenaltySeesPromptAndGeneratedTokens() {
    Sampler sampler = sampler(SamplingOptions.greedy().toBuilder().repeatPenalty(1.5).build());
    assertThat(draw(sampler)).isEqualTo(0);
    sampler.acceptPrompt(0);
    assertThat(draw(sampler)).isEqualTo(1);
    sampler.accept(1);
    assertThat(draw(sampler)).isEqualTo(2);
  }

  @Test
  void presenceAndFrequencyPenaltiesSeeGeneratedTokensOnly() {
    Sampler presence = sampler(SamplingOptions.greedy().toBuilder().presencePenalty(0.15).build());
    presence.acceptPrompt(0);
    assertThat(draw(presence)).isEqualTo(0);
    presence.accept(0);
    assertThat(draw(presence)).isEqualTo(1);
    presence.accept(1);
    assertThat(draw(presence)).isEqualTo(0); // 1.85 ahead of 1.8; a second time changes nothing
    presence.accept(0);
    assertThat(draw(presence)).isEqualTo(0);

    Sampler frequency =
        sampler(SamplingOptions.greedy().toBuilder().frequencyPenalty(0.15).build());
    frequency.accept(0);
    assertThat(draw(frequency)).isEqualTo(1);
    frequency.accept(1);
    assertThat(draw(frequency)).isEqualTo(0);
    frequency.accept(0); // 1.7
    assertThat(draw(frequency)).isEqualTo(2);
  }

  @Test
  void forgetTakesOneOccurrenceBack() {
    Sampler sampler = sampler(SamplingOptions.greedy().toBuilder().frequencyPenalty(0.06).build());
    sampler.accept(0);
    sampler.accept(0);
    assertThat(draw(sampler)).isEqualTo(1);
    sampler.forget(0);
    assertThat(draw(sampler)).isEqualTo(0);
    sampler.forget(0);
    assertThatThrownBy(() -> sampler.forget(0)).isInstanceOf(IllegalStateException.class);
    sampler.accept(0);
    sampler.accept(0);
    assertThat(draw(sampler)).isEqualTo(1);
  }

  @Test
  void everyTokenCanBeSeenAndBiased() {
    Sampler sampler =
        sampler(
            SamplingOptions.greedy().toBuilder()
                .repeatPenalty(1.1)
                .logitBias(Map.of(0, 0.0, 3, 0.5))
                .build());
    for (int round = 0; round < 3; round++) {
      for (int id = 0; id < LOGITS.length; id++) {
        sampler.acceptPrompt(id);
        sampler.accept(id);
      }
    }
    assertThat(draw(sampler)).isEqualTo(0);
  }

  @Test
  void rejectsIdsOutsideTheVocabulary() {
    Sampler sampler = sampler(SamplingOptions.greedy());
    assertThatThrownBy(() -> sampler.accept(4)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> sampler.acceptPrompt(-1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> sampler(SamplingOptions.builder().logitBias(Map.of(4, 1.0)).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("id 4");
  }

  private static Sampler sampler(SamplingOptions options) {
    return Samplers.of(options, LOGITS.length);
  }

  private static int draw(Sampler sampler) {
    return sampler.sample(LogitMaker.direct(LOGITS, 0), 0, 0);
  }
}
