package dev.tandem.formats.families;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelFormatException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RopeScalingTest {
  private static final String LLAMA31 =
      "{\"rope_theta\": 500000.0, \"rope_scaling\": {\"factor\": 8.0, \"low_freq_factor\": 1.0,"
          + " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192,"
          + " \"rope_type\": \"llama3\"}}";

  private static RopeScaling scaling(String json, int headDim) throws ModelFormatException {
    return RopeScaling.of(
        JsonObject.parse("config.json", json.getBytes(StandardCharsets.UTF_8)), headDim);
  }

  /**
   * Meta's apply_scaling, as published with Llama 3.1: it scales frequencies, so the factor is the
   * old frequency over the new one.
   */
  private static double published(double frequency) {
    double wavelength = 2 * Math.PI / frequency;
    double lowWavelength = 8192 / 1.0;
    double highWavelength = 8192 / 4.0;
    if (wavelength < highWavelength) {
      return 1;
    }
    if (wavelength > lowWavelength) {
      return frequency / (frequency / 8);
    }
    double smooth = (8192 / wavelength - 1.0) / (4.0 - 1.0);
    return frequency / ((1 - smooth) * frequency / 8 + smooth * frequency);
  }

  @Test
  void llama3FactorsAreThePublishedOnes() throws ModelFormatException {
    RopeScaling scaling = scaling(LLAMA31, 128);
    assertThat(scaling.theta()).isEqualTo(500_000);
    assertThat(scaling.factors()).hasSize(64);
    int between = 0;
    for (int i = 0; i < 64; i++) {
      double expected = published(Math.pow(500_000, -2.0 * i / 128));
      assertThat((double) scaling.factors()[i]).isCloseTo(expected, within(1e-6 * expected));
      between += expected > 1 && expected < 8 ? 1 : 0;
    }
    assertThat(between).isPositive();
    assertThat(scaling.factors()[0]).isEqualTo(1);
    assertThat(scaling.factors()[63]).isEqualTo(8);
  }

  @Test
  void llama3FactorsOfAWorkedExample() throws ModelFormatException {
    // headDim 4, theta (8192 / (2 pi * 2))^2: the second wave is 2 pi * sqrt(theta) = 4096 long,
    // half way: 8192 / 4096 = 2, smooth = (2 - 1) / (4 - 1) = 1/3, so that the divisor is
    // 1 / ((2/3) / 8 + 1/3) = 1 / (5/12) = 2.4; the first wave, 2 pi, is short
    double theta = Math.pow(8192 / (2 * Math.PI * 2), 2);
    RopeScaling scaling = scaling(LLAMA31.replace("500000.0", Double.toString(theta)), 4);
    assertThat(scaling.factors()[0]).isEqualTo(1);
    assertThat(scaling.factors()[1]).isCloseTo(2.4f, within(1e-6f));
  }

  @Test
  void theNewerKeyHoldsTheBaseToo() throws ModelFormatException {
    RopeScaling older = scaling(LLAMA31, 64);
    RopeScaling newer =
        scaling(
            "{\"rope_parameters\": {\"rope_theta\": 500000.0, \"factor\": 8.0,"
                + " \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0,"
                + " \"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}}",
            64);
    assertThat(newer.theta()).isEqualTo(500_000);
    assertThat(newer.factors()).isEqualTo(older.factors());
    RopeScaling plain = scaling("{\"rope_parameters\": {\"rope_theta\": 2e4}}", 64);
    assertThat(plain.theta()).isEqualTo(20_000);
    assertThat(plain.factors()).isEmpty();
  }

  @Test
  void otherKinds() throws ModelFormatException {
    assertThat(scaling("{}", 8).theta()).isEqualTo(10_000);
    assertThat(scaling("{}", 8).factors()).isEmpty();
    assertThat(scaling("{\"rope_scaling\": null}", 8).factors()).isEmpty();
    assertThat(scaling("{\"rope_scaling\": {\"rope_type\": \"default\"}}", 8).factors()).isEmpty();
    assertThat(scaling("{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}}", 8).factors())
        .containsExactly(2.5f, 2.5f, 2.5f, 2.5f);
    for (String kind : new String[] {"dynamic", "yarn", "longrope", "su", "ntk"}) {
      assertThatThrownBy(() -> scaling("{\"rope_scaling\": {\"rope_type\": \"" + kind + "\"}}", 8))
          .isInstanceOf(ModelFormatException.class)
          .hasMessage(
              "config.json: rope_scaling.rope_type: expected default, linear or llama3, got "
                  + kind);
    }
  }

  @Test
  void fieldsThatAreWrongAreNamed() {
    for (String field :
        new String[] {
          "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"
        }) {
      for (String value : new String[] {"-1", "0", "null", "\"x\"", "1e300"}) {
        String json =
            LLAMA31.replaceAll("\"" + field + "\": [0-9.]+", "\"" + field + "\": " + value);
        assertThatThrownBy(() -> scaling(json, 8))
            .as(json)
            .isInstanceOf(ModelFormatException.class)
            .hasMessageContaining(field);
      }
    }
    assertThatThrownBy(
            () -> scaling(LLAMA31.replace("\"high_freq_factor\": 4", "\"high_freq_factor\": 1"), 8))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("above low_freq_factor");
    assertThatThrownBy(() -> scaling("{\"rope_parameters\": {\"partial_rotary_factor\": 0.5}}", 8))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("rope_parameters.partial_rotary_factor");
  }
}
