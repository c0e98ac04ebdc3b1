package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.Activation;
import dev.tandem.model.Architecture;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The config of a GPT-2: Hugging Face's {@code config.json}, nanoGPT's {@code model_args} or the
 * tutorials' {@code GPT_CONFIG}. A field that changes the arithmetic is either supported or refused
 * by name; defaults are those of transformers' {@code GPT2Config}.
 */
public final class Gpt2Config {
  private static final double DEFAULT_NORM_EPS = 1e-5;

  /** The head size of all GPT-2s that OpenAI released. */
  public static final int ASSUMED_HEAD_DIM = 64;

  /** Other names of Hugging Face's keys: nanoGPT's, then those of tutorials. */
  private static final Map<String, List<String>> ALIASES =
      Map.of(
          "n_embd", List.of("emb_dim"),
          "n_head", List.of("n_heads"),
          "n_layer", List.of("n_layers"),
          "n_positions", List.of("block_size", "context_length"));

  private final JsonObject json;

  /** The sizes from the tensors' shapes, for a model without a config. */
  private final Map<String, Integer> shapes;

  /**
   * The config of a model.
   *
   * @param shapes the sizes from the tensors' shapes by Hugging Face's keys; used only if the
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

  /** Whether the sizes come from shapes only. */
  boolean isGuessed() {
    return !shapes.isEmpty();
  }

  /** The assumptions that were made because no file states the facts. */
  List<Note> notes(ModelConfig config) {
    return isGuessed() && !json.has(key("n_head"))
        ? List.of(assumedHeads(config.nHeads()))
        : List.of();
  }

  /** The note that heads of {@link #ASSUMED_HEAD_DIM} elements are assumed. */
  public static Note assumedHeads(int nHeads) {
    return new Note(
        String.format(
            Locale.ROOT,
            "assumed %d heads of %d elements, because no file states their number",
            nHeads,
            ASSUMED_HEAD_DIM),
        Remedy.config("n_head", "NUMBER", "for another number"));
  }

  /**
   * All that changes the arithmetic.
   *
   * @param activation the activation if the config names none
   * @param tiedHead whether the head is tied if the config does not state it
   * @throws ModelFormatException naming the field that is missing, wrong or not supported
   */
  public ModelConfig model(Activation activation, boolean tiedHead) throws ModelFormatException {
    int dModel = integer("n_embd");
    if (dModel < 1) {
      throw json.wrong(key("n_embd"), "a positive integer");
    }
    int nHeads = nHeads(dModel);
    try {
      return ModelConfig.builder(Architecture.GPT2)
          .nLayers(integer("n_layer"))
          .nHeads(nHeads)
          .nKvHeads(nHeads)
          .headDim(dModel / nHeads)
          .dModel(dModel)
          .dFf(dFf(dModel))
          .vocabSize(integer("vocab_size"))
          .maxSeq(integer("n_positions"))
          .normEps((float) json.number("layer_norm_epsilon", DEFAULT_NORM_EPS))
          .activation(activation(activation))
          .tiedHead(json.flag("tie_word_embeddings", tiedHead))
          .build();
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(json.path(), String.valueOf(e.getMessage()));
    }
  }

  private int nHeads(int dModel) throws ModelFormatException {
    String key = key("n_head");
    if (!json.has(key) && isGuessed()) {
      if (dModel % ASSUMED_HEAD_DIM != 0) {
        throw json.wrong(key, "the number of heads", Remedy.config("n_head", "NUMBER"));
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

  /** The name that this config uses for a key; Hugging Face's name if it has none. */
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
    requireFlag("add_cross_attention", false);
    json.flag("reorder_and_upcast_attn", false); // the same sums, in f32 as here
    if (!json.text("position_embedding_type", "absolute").equals("absolute")) {
      throw json.wrong("position_embedding_type", "absolute");
    }
  }

  private void requireFlag(String key, boolean supported) throws ModelFormatException {
    if (json.flag(key, supported) != supported) {
      throw json.wrong(key, supported + ", because other values are not supported");
    }
  }
}
