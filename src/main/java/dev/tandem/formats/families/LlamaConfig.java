package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.Architecture;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Remedy;
import java.util.List;

/**
 * A Hugging Face {@code config.json} of a Llama, or of a model whose arithmetic is the same:
 * Mistral without an effective sliding window, and Qwen2, which adds biases to queries, keys and
 * values. A field that changes the arithmetic is either supported or refused by name; defaults are
 * those of transformers' classes.
 *
 * @param model the model's configuration
 * @param rope base and scaling of the rotary frequencies
 */
public record LlamaConfig(ModelConfig model, RopeScaling rope) {
  private static final double DEFAULT_NORM_EPS = 1e-6;

  /** Mistral's sliding window if the config does not contain the field. */
  private static final int DEFAULT_MISTRAL_WINDOW = 4096;

  /** Far above any model's; the factors of the frequencies are allocated for it. */
  static final int MAX_HEAD_DIM = 1 << 14;

  /** Multipliers that do nothing if they are 1. */
  private static final List<String> MULTIPLIERS =
      List.of(
          "embedding_multiplier",
          "residual_multiplier",
          "logits_scaling",
          "logit_scale",
          "scale_emb",
          "partial_rotary_factor",
          "rotary_pct");

  /**
   * Reads the config from a file's members.
   *
   * @param headStored whether the files hold an LM head
   * @throws ModelFormatException naming the field that is missing, wrong or not supported
   */
  public static LlamaConfig of(JsonObject json, boolean headStored) throws ModelFormatException {
    String type = json.text("model_type", "llama");
    LinearBias bias =
        switch (type) {
          case "llama", "mistral" -> attentionBias(json);
          case "qwen2" -> LinearBias.QKV;
          default ->
              throw json.wrong(
                  "model_type", "llama, mistral or qwen2, because the tensors are named as theirs");
        };
    refuseUnsupported(json);
    int nHeads = json.integer("num_attention_heads");
    int headDim = headDim(json, nHeads);
    int maxSeq = json.integer("max_position_embeddings");
    refuseSlidingWindow(json, type, maxSeq);
    RopeScaling rope = RopeScaling.of(json, headDim);
    boolean tied = json.flag("tie_word_embeddings", !headStored);
    if (!tied && !headStored) {
      throw json.wrong(
          "tie_word_embeddings",
          "true, because there is no lm_head.weight",
          Remedy.config("tie_word_embeddings", "true"));
    }
    try {
      ModelConfig model =
          ModelConfig.builder(Architecture.LLAMA)
              .nLayers(json.integer("num_hidden_layers"))
              .nHeads(nHeads)
              .nKvHeads(json.integer("num_key_value_heads", nHeads))
              .headDim(headDim)
              .dModel(json.integer("hidden_size"))
              .dFf(json.integer("intermediate_size"))
              .vocabSize(json.integer("vocab_size"))
              .maxSeq(maxSeq)
              .normEps((float) json.number("rms_norm_eps", DEFAULT_NORM_EPS))
              .bias(bias)
              .ropeTheta(rope.theta())
              .ropeFactors(rope.factors().length > 0)
              .tiedHead(tied)
              .build();
      return new LlamaConfig(model, rope);
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(json.path(), String.valueOf(e.getMessage()));
    }
  }

  private static LinearBias attentionBias(JsonObject json) throws ModelFormatException {
    return json.flag("attention_bias", false) ? LinearBias.ATTENTION : LinearBias.NONE;
  }

  private static int headDim(JsonObject json, int nHeads) throws ModelFormatException {
    int dModel = json.integer("hidden_size");
    if (nHeads < 1) {
      throw json.wrong("num_attention_heads", "a positive integer");
    }
    if (json.has("head_dim")) {
      int headDim = json.integer("head_dim");
      if (headDim < 2 || headDim % 2 != 0 || headDim > MAX_HEAD_DIM) {
        throw json.wrong("head_dim", "an even integer in 2.." + MAX_HEAD_DIM);
      }
      return headDim;
    }
    int headDim = dModel / nHeads;
    if (dModel % nHeads != 0 || headDim < 2 || headDim % 2 != 0 || headDim > MAX_HEAD_DIM) {
      throw json.wrong("hidden_size", "an even multiple of num_attention_heads " + nHeads);
    }
    return headDim;
  }

  /**
   * Checks the sliding window. Within its window, a model with one computes the same as a model
   * without one.
   */
  private static void refuseSlidingWindow(JsonObject json, String type, int maxSeq)
      throws ModelFormatException {
    boolean mistral = type.equals("mistral");
    int window = json.integer("sliding_window", DEFAULT_MISTRAL_WINDOW);
    boolean stated = json.has("sliding_window") || (mistral && !json.isNull("sliding_window"));
    boolean effective = json.flag("use_sliding_window", !type.equals("qwen2")) && stated;
    if (effective && window < maxSeq) {
      throw new ModelFormatException(
          json.path(),
          "sliding_window",
          "at least max_position_embeddings "
              + maxSeq
              + ", because a sliding window is not supported",
          Integer.toString(window),
          Remedy.config(
              "max_position_embeddings",
              Integer.toString(window),
              "to stay within it, where the model is exact"));
    }
    for (String layerType : json.texts("layer_types")) {
      boolean windowed = effective && layerType.equals("sliding_attention");
      if (!windowed && !layerType.equals("full_attention")) {
        throw json.wrong("layer_types", "full_attention in all layers");
      }
    }
  }

  private static void refuseUnsupported(JsonObject json) throws ModelFormatException {
    String activation = json.text("hidden_act", "silu");
    if (!activation.equals("silu") && !activation.equals("swish")) {
      throw json.wrong("hidden_act", "silu");
    }
    for (String key : MULTIPLIERS) {
      json.requireNumber(key, 1);
    }
  }
}
