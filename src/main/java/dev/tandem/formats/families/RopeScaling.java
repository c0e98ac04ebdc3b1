package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelFormatException;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/**
 * The scaling of the rotary frequencies in a Hugging Face config: {@code rope_scaling}, or the
 * newer {@code rope_parameters}, which also holds the base.
 */
public final class RopeScaling {
  private static final double DEFAULT_THETA = 10_000;

  /** Members that change nothing for the kinds that do not use them. */
  private static final Set<String> OF_ALL_KINDS =
      Set.of("rope_type", "type", "factor", "original_max_position_embeddings");

  private final double theta;
  private final float[] factors;

  private RopeScaling(double theta, float[] factors) {
    this.theta = theta;
    this.factors = factors;
  }

  /** The base of the frequencies. */
  double theta() {
    return theta;
  }

  /** The divisors of the {@code headDim / 2} frequencies; empty for none. */
  public float[] factors() {
    return factors.clone();
  }

  /**
   * The scaling that a config asks for.
   *
   * @param headDim elements of one head
   * @throws ModelFormatException naming the field that is wrong, or the kind that is not supported
   */
  public static RopeScaling of(JsonObject json, int headDim) throws ModelFormatException {
    boolean newer = json.has("rope_parameters");
    JsonObject scaling = json.object(newer ? "rope_parameters" : "rope_scaling");
    double outside = json.number("rope_theta", DEFAULT_THETA);
    double theta = newer ? scaling.number("rope_theta", outside) : outside;
    if (!(theta > 0 && theta < 1e12)) {
      throw json.wrong("rope_theta", "a positive number");
    }
    scaling.requireNumber("partial_rotary_factor", 1);
    String key = scaling.has("rope_type") ? "rope_type" : "type";
    String kind = kind(scaling, key, newer);
    int half = headDim / 2;
    float[] factors =
        switch (kind) {
          case "default", "none" -> new float[0];
          case "linear" -> linear(scaling, half);
          case "llama3" -> llama3(scaling, json, theta, headDim);
          default -> throw scaling.wrong(key, "default, linear or llama3");
        };
    for (String member : scaling.keys()) {
      if (!scaling.isRead(member) && !OF_ALL_KINDS.contains(member) && !scaling.isOff(member)) {
        throw scaling.wrong(member, "nothing, because scaling of the kind " + kind + " has none");
      }
    }
    return new RopeScaling(theta, factors);
  }

  private static float[] linear(JsonObject scaling, int half) throws ModelFormatException {
    float[] factors = new float[half];
    Arrays.fill(factors, (float) positive(scaling, "factor", Optional.empty()));
    return factors;
  }

  private static String kind(JsonObject scaling, String key, boolean newer)
      throws ModelFormatException {
    if (scaling.has(key)) {
      return scaling.text(key, "");
    }
    boolean stretches = scaling.keys().stream().anyMatch(member -> !member.equals("rope_theta"));
    if (stretches) {
      throw scaling.wrong(key, newer ? "the kind of the rope_parameters" : "the kind of scaling");
    }
    return "default";
  }

  /**
   * Llama 3.1's, as Meta published it: frequencies whose wave is longer than the original context
   * over {@code low_freq_factor} are divided by {@code factor}, frequencies whose wave is shorter
   * than it over {@code high_freq_factor} stay, and between the two the divisor changes smoothly.
   */
  private static float[] llama3(JsonObject scaling, JsonObject json, double theta, int headDim)
      throws ModelFormatException {
    double factor = positive(scaling, "factor", Optional.empty());
    double low = positive(scaling, "low_freq_factor", Optional.empty());
    double high = positive(scaling, "high_freq_factor", Optional.empty());
    double context = positive(scaling, "original_max_position_embeddings", Optional.of(json));
    if (!(high > low)) {
      throw scaling.wrong("high_freq_factor", "a number above low_freq_factor " + low);
    }
    return llama3(theta, headDim, factor, low, high, context);
  }

  /** The same of plain numbers; {@code high > low}. */
  static float[] llama3(
      double theta, int headDim, double factor, double low, double high, double context) {
    float[] factors = new float[headDim / 2];
    for (int i = 0; i < factors.length; i++) {
      double wave = 2 * Math.PI * StrictMath.pow(theta, 2.0 * i / headDim);
      double smooth = Math.max(0, Math.min(1, (context / wave - low) / (high - low)));
      factors[i] = (float) (1 / ((1 - smooth) / factor + smooth));
    }
    return factors;
  }

  private static double positive(JsonObject scaling, String key, Optional<JsonObject> elsewhere)
      throws ModelFormatException {
    JsonObject json = scaling.has(key) ? scaling : elsewhere.orElse(scaling);
    double value = json.number(key, 0);
    if (!(value > 0 && value < 1e9)) {
      throw scaling.wrong(key, "a positive number");
    }
    return value;
  }
}
