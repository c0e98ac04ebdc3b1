package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.Activation;
import dev.tandem.model.Architecture;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.NormKind;
import dev.tandem.model.RopePairing;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The config of a GPT-2: Hugging Face's {@code config.json}, nanoGPT's {@code model_args} or the
 * tutorials' {@code GPT_CONFIG}. Fields that change the arithmetic are honoured or refused by name;
 * defaults are those of transformers' {@code GPT2Config}.
 */
public final class Gpt2Config {
  private static final double DEFAULT_NORM_EPS = 1e-5;

  /** Of all GPT-2s that OpenAI released. */
  public static final int ASSUMED_HEAD_DIM = 64;

  /** What the keys of Hugging Face are called by others: nanoGPT, then the tutorials. */
  private static final Map<String, List<String>> ALIASES =
      Map.of(
          "n_embd", List.of("emb_dim"),
          "n_head", List.of("n_heads"),
          "n_layer", List.of("n_layers"),
          "n_positions", List.of("block_size", "context_length"));

  private final JsonObject json;

  /** What the tensors' shapes say of a model without a config. */
  private final Map<String, Integer> shapes;

  /**
   * The config of a model.
   *
   * @param shapes by Hugging Face's keys, what the tensors' shapes say; it counts only where the
   *     config does not describe the model
   * @throws ModelFormatException naming a field that is not supported
   */
  public Gpt2Config(JsonObject json, Map<String, Integer> shapes) throws ModelFormatException {
    this.json = json;
    this.shapes = json.has(key("n_embd")) ? Map.of() : new TreeMap<>(shapes);
    if (!json.text("model_type", "gpt2").equals("gpt2")) {
      throw json.wrong("model_type", "gpt2, because the tensors are named as GPT-2's");
    }
    refuseUnsupported();
  }

  /** Whether sizes are known from shapes alone. */
  boolean isGuessed() {
    return !shapes.isEmpty();
  }

  /** What was assumed because no file says it. */
  List<String> notes(ModelConfig config) {
    return isGuessed() && !json.has(key("n_head"))
        ? List.of(assumedHeads(config.nHeads()))
        : List.of();
  }

  /** Says that heads are taken to be of {@link #ASSUMED_HEAD_DIM} elements. */
  public static String assumedHeads(int nHeads) {
    return String.format(
        Locale.ROOT,
        "assumed %d heads of %d elements, because nothing says how many (--config n_head=NUMBER)",
        nHeads,
        ASSUMED_HEAD_DIM);
  }

  /**
   * All that changes the arithmetic.
   *
   * @param activation where the config names none
   * @param tiedHead where the config does not say
   * @throws ModelFormatException naming the field that is missing, wrong or not supported
   */
  public ModelConfig model(Activation activation, boolean tiedHead) throws ModelFormatException {
    int dModel = integer("n_embd");
    if (dModel < 1) {
      throw json.wrong(key("n_embd"), "a positive integer");
    }
    int nHeads = nHeads(dModel);
    try {
      return new ModelConfig(
          Architecture.GPT2,
          integer("n_layer"),
          nHeads,
          nHeads,
          dModel / nHeads,
          dModel,
          dFf(dModel),
          integer("vocab_size"),
          integer("n_positions"),
          NormKind.LAYER,
          (float) json.number("layer_norm_epsilon", DEFAULT_NORM_EPS),
          activation(activation),
          false,
          LinearBias.ALL,
          RopePairing.NONE,
          0,
          false,
          json.flag("tie_word_embeddings", tiedHead));
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(json.path(), String.valueOf(e.getMessage()));
    }
  }

  private int nHeads(int dModel) throws ModelFormatException {
    String key = key("n_head");
    if (!json.has(key) && isGuessed()) {
      if (dModel % ASSUMED_HEAD_DIM != 0) {
        throw json.wrong(key, "the number of heads (--config n_head=NUMBER)");
      }
      return dModel / ASSUMED_HEAD_DIM;
    }
    int nHeads = json.integer(key);
    if (nHeads < 1 || dModel % nHeads != 0) {
      throw json.wrong(key, "a divisor of n_embd " + dModel);
    }
    return nHeads;
  }

  private int dFf(int dModel) throws ModelFormatException {
    int usual = (int) Math.min(4L * dModel, Integer.MAX_VALUE);
    return json.integer("n_inner", shapes.getOrDefault("n_inner", usual));
  }

  private Activation activation(Activation absent) throws ModelFormatException {
    if (!json.has("activation_function")) {
      return absent;
    }
    return switch (json.text("activation_function", "")) {
      case "gelu_new", "gelu_pytorch_tanh" -> Activation.GELU_TANH;
      case "gelu" -> Activation.GELU_ERF;
      default -> throw json.wrong("activation_function", "gelu_new, gelu_pytorch_tanh or gelu");
    };
  }

  private int integer(String huggingFaceKey) throws ModelFormatException {
    String key = key(huggingFaceKey);
    Integer shape = shapes.get(huggingFaceKey);
    return json.has(key) || shape == null ? json.integer(key) : shape;
  }

  /** The key under which this config has a thing; Hugging Face's if under none. */
  private String key(String huggingFaceKey) {
    if (!json.has(huggingFaceKey)) {
      for (String alias : ALIASES.getOrDefault(huggingFaceKey, List.of())) {
        if (json.has(alias)) {
          return alias;
        }
      }
    }
    return huggingFaceKey;
  }

  private void refuseUnsupported() throws ModelFormatException {
    requireFlag("scale_attn_weights", true);
    requireFlag("scale_attn_by_inverse_layer_idx", false);
    requireFlag("reorder_and_upcast_attn", false);
    requireFlag("add_cross_attention", false);
    if (!json.text("position_embedding_type", "absolute").equals("absolute")) {
      throw json.wrong("position_embedding_type", "absolute");
    }
  }

  private void requireFlag(String key, boolean supported) throws ModelFormatException {
    if (json.flag(key, supported) != supported) {
      throw json.wrong(key, supported + ", because the other is not supported");
    }
  }
}
