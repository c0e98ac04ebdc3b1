package dev.tandem.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class SamplingOptionsTest {

  @Test
  void rejectsWhatIsOutOfRangeAndNamesIt() {
    double nan = Double.NaN;
    double inf = Double.POSITIVE_INFINITY;
    for (double value : new double[] {nan, inf, -inf, -0.1, 1e-31}) {
      rejects("temperature", b -> b.temperature(value));
    }
    for (double value : new double[] {nan, inf, -0.1, 1.1}) {
      rejects("topP", b -> b.topP(value));
      rejects("minP", b -> b.minP(value));
    }
    for (double value : new double[] {nan, inf, -inf, -1, 0}) {
      rejects("repeatPenalty", b -> b.repeatPenalty(value));
    }
    for (double value : new double[] {nan, inf, -inf, 1e7}) {
      rejects("presencePenalty", b -> b.presencePenalty(value));
      rejects("frequencyPenalty", b -> b.frequencyPenalty(value));
    }
    rejects("topK", b -> b.topK(-1));
    rejects("logitBias", b -> b.logitBias(Map.of(-1, 0.0)));
    rejects("logitBias", b -> b.logitBias(Map.of(1, nan)));
    rejects("logitBias", b -> b.logitBias(Map.of(1, inf)));
  }

  @Test
  void acceptsTheEndsOfTheRanges() {
    SamplingOptions options =
        SamplingOptions.builder()
            .temperature(-0.0)
            .topP(0)
            .minP(1)
            .presencePenalty(-2)
            .logitBias(Map.of(0, Double.NEGATIVE_INFINITY))
            .seed(-1)
            .build();
    assertThat(options.toBuilder().build()).isEqualTo(options);
    assertThat(SamplingOptions.greedy().temperature()).isZero();
    assertThat(SamplingOptions.builder().build().topP()).isEqualTo(0.9);
  }

  private static void rejects(String name, UnaryOperator<SamplingOptions.Builder> change) {
    assertThatThrownBy(() -> change.apply(SamplingOptions.builder()).build())
        .isInstanceOfSatisfying(
            InvalidSettingException.class, wrong -> assertThat(wrong.setting()).isEqualTo(name))
        .hasMessageStartingWith(name + " must be")
        .hasMessageContaining(", got ");
  }
}
