package dev.tandem.formats.dumps;

import dev.tandem.formats.families.Gpt2Config;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.Activation;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.settings.Note;
import dev.tandem.tensor.DType;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Common code of the flat formats of GPT-2. */
final class Gpt2Dumps {
  /**
   * The description of a model.
   *
   * @param config the model's configuration
   * @param notes the assumptions that were made
   */
  record Described(ModelConfig config, List<Note> notes) {
    /** Copies the list. */
    public Described {
      notes = List.copyOf(notes);
    }
  }

  private Gpt2Dumps() {}

  /**
   * The config of a model whose file states some fields. Missing fields come from {@code stated},
   * or are GPT-2's own: epsilon 1e-5, GELU in its tanh form, a feed-forward network of four times
   * the width, and heads of 64 elements, which a note states.
   *
   * @param stated the statements of the user and of a {@code config.json}
   * @param header the fields in the file, by Hugging Face's names
   * @throws ModelFormatException if they contradict each other, or a field is missing, wrong, or
   *     not possible in the format
   */
  static Described describe(JsonObject stated, Map<String, Integer> header)
      throws ModelFormatException {
    int width = stated.integer("n_embd", header.getOrDefault("n_embd", 0));
    if (header.containsKey("n_head")
        || stated.has("n_head")
        || width % Gpt2Config.ASSUMED_HEAD_DIM != 0) {
      return new Described(config(stated, header), List.of());
    }
    Map<String, Integer> assumed = new HashMap<>(header);
    int nHeads = width / Gpt2Config.ASSUMED_HEAD_DIM;
    assumed.put("n_head", nHeads);
    return new Described(config(stated, assumed), List.of(Gpt2Config.assumedHeads(nHeads)));
  }

  /** Like {@link #describe}, for a file that states the number of heads. */
  static ModelConfig config(JsonObject stated, Map<String, Integer> header)
      throws ModelFormatException {
    Map<String, String> fields = new LinkedHashMap<>();
    for (Map.Entry<String, Integer> field : header.entrySet()) {
      int value = field.getValue();
      if (stated.integer(field.getKey(), value) != value) {
        throw stated.wrong(field.getKey(), value + ", as the model's file says");
      }
      fields.put(field.getKey(), Integer.toString(value));
    }
    ModelConfig config =
        new Gpt2Config(stated.with(fields), Map.of()).model(Activation.GELU_TANH, true);
    if (!config.tiedHead()) {
      throw stated.wrong("tie_word_embeddings", "true, because the file has no separate head");
    }
    if (!stated.flag("bias", true)) {
      throw stated.wrong("bias", "true, because the file has them");
    }
    return config;
  }

  /** Tensors in the order of {@code named_parameters()}, all f32, layer after layer. */
  static FlatLayout inParameterOrder(ModelConfig config, long headerBytes, boolean transposed) {
    FlatLayout layout = new FlatLayout(TensorPlan.of(config), headerBytes);
    layout.place(TensorPlan.TOKEN_EMBEDDING, DType.F32);
    layout.place(TensorPlan.POSITION_EMBEDDING, DType.F32);
    for (int layer = 0; layer < config.nLayers(); layer++) {
      String block = "blk." + layer + ".";
      placeBoth(layout, block + "attn_norm", false);
      placeBoth(layout, block + "attn_qkv", transposed);
      placeBoth(layout, block + "attn_output", transposed);
      placeBoth(layout, block + "ffn_norm", false);
      placeBoth(layout, block + "ffn_up", transposed);
      placeBoth(layout, block + "ffn_down", transposed);
    }
    placeBoth(layout, "output_norm", false);
    return layout;
  }

  private static void placeBoth(FlatLayout layout, String name, boolean transposed) {
    layout.place(name + ".weight", DType.F32, transposed);
    layout.place(name + ".bias", DType.F32);
  }
}
