package dev.tandem.formats.huggingface;

import dev.tandem.formats.families.RopeScaling;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A Hugging Face {@code rope_scaling} that gives a model's rotary factors.
 *
 * @param json the JSON object
 * @param exact whether it gives the factors to the bit; otherwise the model has the factors that
 *     llama.cpp's converter computes from it in f32
 */
record RopeScalingExport(String json, boolean exact) {
  /** The parameters that differ between Llama 3.1 and 3.2. */
  private static final List<Float> LLAMA3_FACTORS = List.of(8f, 32f);

  private static final float LOW = 1;
  private static final float HIGH = 4;
  private static final float CONTEXT = 8192;

  /**
   * Finds the scaling, among the kinds that models have.
   *
   * @return empty if the model has no factors
   * @throws ModelFormatException if none gives them
   */
  static Optional<RopeScalingExport> of(Checkpoint checkpoint) throws IOException {
    ModelConfig config = checkpoint.config();
    if (!config.ropeFactors()) {
      return Optional.empty();
    }
    Tensor tensor = checkpoint.tensor(TensorPlan.ROPE_FACTORS);
    float[] factors = new float[config.headDim() / 2];
    tensor.read(0, factors.length, factors, 0);
    String linear = "{\"rope_type\": \"linear\", \"factor\": " + factors[0] + "}";
    if (gives(checkpoint, linear, factors)) {
      return Optional.of(new RopeScalingExport(linear, true));
    }
    for (float factor : LLAMA3_FACTORS) {
      String llama3 = llama3(factor);
      boolean exact = gives(checkpoint, llama3, factors);
      if (exact || areRounded(factors, config.ropeTheta(), factor)) {
        return Optional.of(new RopeScalingExport(llama3, exact));
      }
    }
    throw new ModelFormatException(
        checkpoint.name(),
        TensorPlan.ROPE_FACTORS,
        "factors that Hugging Face's scaling linear or Llama 3's gives",
        "others, which a config.json cannot express");
  }

  private static String llama3(float factor) {
    return String.format(
        Locale.ROOT,
        "{\"rope_type\": \"llama3\", \"factor\": %.1f, \"low_freq_factor\": %.1f,"
            + " \"high_freq_factor\": %.1f, \"original_max_position_embeddings\": %.0f}",
        factor,
        LOW,
        HIGH,
        CONTEXT);
  }

  private static boolean gives(Checkpoint checkpoint, String scaling, float[] factors)
      throws ModelFormatException {
    ModelConfig config = checkpoint.config();
    String json = "{\"rope_theta\": " + config.ropeTheta() + ", \"rope_scaling\": " + scaling + "}";
    byte[] bytes = json.getBytes(StandardCharsets.US_ASCII);
    RopeScaling read = RopeScaling.of(JsonObject.parse(checkpoint.name(), bytes), config.headDim());
    return Arrays.equals(read.factors(), factors);
  }

  /**
   * Whether factors are Llama 3's with every step of the formula rounded to f32, in the order of
   * llama.cpp's {@code convert_hf_to_gguf.py}. PyTorch's powers may be one unit in the last place
   * off.
   */
  private static boolean areRounded(float[] factors, double theta, float factor) {
    int headDim = 2 * factors.length;
    for (int i = 0; i < factors.length; i++) {
      float power = (float) StrictMath.pow(theta, 2f * i / headDim);
      float stored = factors[i];
      if (stored != rounded(power, factor)
          && stored != rounded(Math.nextUp(power), factor)
          && stored != rounded(Math.nextDown(power), factor)) {
        return false;
      }
    }
    return true;
  }

  private static float rounded(float power, float factor) {
    float wave = (float) (2 * Math.PI) / (1 / power);
    if (wave < CONTEXT / HIGH) {
      return 1;
    }
    if (wave > CONTEXT / LOW) {
      return factor;
    }
    float smooth = (CONTEXT / wave - LOW) / (HIGH - LOW);
    return 1 / ((1 - smooth) / factor + smooth);
  }
}
