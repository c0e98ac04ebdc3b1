package dev.tandem.weights;

import dev.tandem.config.Activation;
import dev.tandem.config.LinearBias;
import dev.tandem.config.ModelConfig;
import dev.tandem.config.NormKind;
import dev.tandem.config.RopePairing;
import java.util.OptionalInt;

/**
 * Reads a Hugging Face GPT-2 {@code config.json}. Fields that change the arithmetic are honoured or
 * refused by name; defaults are those of transformers' {@code GPT2Config}.
 *
 * @param model all that changes the arithmetic
 * @param eosId the id that ends a text, if the file says so
 */
record HuggingFaceGpt2Config(ModelConfig model, OptionalInt eosId) {
  private static final double DEFAULT_NORM_EPS = 1e-5;

  /**
   * The config that a file's members give.
   *
   * @throws ModelFormatException naming the field that is missing, wrong or not supported
   */
  static HuggingFaceGpt2Config of(JsonObject json) throws ModelFormatException {
    if (!json.text("model_type", "gpt2").equals("gpt2")) {
      throw json.wrong("model_type", "gpt2");
    }
    refuseUnsupported(json);
    return new HuggingFaceGpt2Config(
        modelConfig(json),
        json.has("eos_token_id")
            ? OptionalInt.of(json.integer("eos_token_id"))
            : OptionalInt.empty());
  }

  private static ModelConfig modelConfig(JsonObject json) throws ModelFormatException {
    int dModel = json.integer("n_embd");
    int nHeads = json.integer("n_head");
    if (dModel < 1) {
      throw json.wrong("n_embd", "a positive integer");
    }
    if (nHeads < 1 || dModel % nHeads != 0) {
      throw json.wrong("n_head", "a divisor of n_embd " + dModel);
    }
    try {
      return new ModelConfig(
          "gpt2",
          json.integer("n_layer"),
          nHeads,
          nHeads,
          dModel / nHeads,
          dModel,
          json.integer("n_inner", (int) Math.min(4L * dModel, Integer.MAX_VALUE)),
          json.integer("vocab_size"),
          json.integer("n_positions"),
          NormKind.LAYER,
          (float) json.number("layer_norm_epsilon", DEFAULT_NORM_EPS),
          activation(json),
          false,
          LinearBias.ALL,
          RopePairing.NONE,
          0,
          false,
          json.flag("tie_word_embeddings", true));
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(json.path(), String.valueOf(e.getMessage()));
    }
  }

  private static Activation activation(JsonObject json) throws ModelFormatException {
    return switch (json.text("activation_function", "gelu_new")) {
      case "gelu_new", "gelu_pytorch_tanh" -> Activation.GELU_TANH;
      case "gelu" -> Activation.GELU_ERF;
      default -> throw json.wrong("activation_function", "gelu_new, gelu_pytorch_tanh or gelu");
    };
  }

  private static void refuseUnsupported(JsonObject json) throws ModelFormatException {
    requireFlag(json, "scale_attn_weights", true);
    requireFlag(json, "scale_attn_by_inverse_layer_idx", false);
    requireFlag(json, "reorder_and_upcast_attn", false);
    requireFlag(json, "add_cross_attention", false);
    for (String key : new String[] {"pruned_heads", "quantization_config"}) {
      if (json.has(key)) {
        throw json.wrong(key, "nothing, because it is not supported");
      }
    }
    if (!json.text("position_embedding_type", "absolute").equals("absolute")) {
      throw json.wrong("position_embedding_type", "absolute");
    }
  }

  private static void requireFlag(JsonObject json, String key, boolean supported)
      throws ModelFormatException {
    if (json.flag(key, supported) != supported) {
      throw json.wrong(key, supported + ", because the other is not supported");
    }
  }
}
