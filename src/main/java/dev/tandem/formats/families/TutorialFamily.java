package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.Activation;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.model.TensorPlan.Use;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * GPT-2 with the names of tutorials that build it from scratch ({@code trf_blocks.N.att.W_query}):
 * linear layers {@code [out, in]}; separate queries, keys and values, often without biases; a
 * separate head; the tanh form of GELU.
 */
final class TutorialFamily implements ForeignFamily {
  private static final String EMBEDDING = "tok_emb.weight";
  private static final String HEAD = "out_head.weight";
  private static final String BLOCK = "trf_blocks.";

  /** The causal masks. */
  private static final Pattern MASKS = Pattern.compile("trf_blocks\\.\\d+\\.att\\.mask");

  private static final Map<String, String> LAYER_NAMES =
      Map.of(
          "attn_norm", "norm1",
          "attn_output", "att.out_proj",
          "ffn_norm", "norm2",
          "ffn_up", "ff.layers.0",
          "ffn_down", "ff.layers.2");

  @Override
  public boolean recognises(NamedTensors stored) {
    return stored.contains(EMBEDDING) || stored.contains("trf_blocks.0.att.W_query.weight");
  }

  @Override
  public Model read(NamedTensors stored, JsonObject json) throws IOException {
    stored.tieToHead(EMBEDDING, HEAD, json);
    Gpt2Config stated = new Gpt2Config(json, shapes(stored));
    ModelConfig config = stated.model(Activation.GELU_TANH, TiedHead.of(stored, EMBEDDING, HEAD));
    boolean qkvBiases = json.flag("qkv_bias", stored.contains("trf_blocks.0.att.W_query.bias"));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : TensorPlan.of(config).specs()) {
      tensors.put(spec.name(), tensor(stored, spec, config.dModel(), qkvBiases));
    }
    if (config.tiedHead()) {
      stored.find(HEAD);
    }
    stored.requireAllUsed(MASKS);
    return new Model("tutorial-style GPT-2", config, tensors, stated.notes(config));
  }

  private static Tensor tensor(NamedTensors stored, Spec spec, int dModel, boolean qkvBiases)
      throws IOException {
    String[] parts = spec.name().split("\\.", -1); // blk.N.kind.weight
    if (parts.length == 4 && parts[2].equals("attn_qkv")) {
      if (spec.use() == Use.BIAS && !qkvBiases) {
        return Gpt2Family.zeros(spec);
      }
      String attention = BLOCK + parts[1] + ".att.";
      List<Long> shape =
          spec.use() == Use.BIAS ? List.of((long) dModel) : List.of((long) dModel, (long) dModel);
      List<ForeignTensor> apart = new ArrayList<>();
      for (String which : List.of("W_query", "W_key", "W_value")) {
        apart.add(stored.require(attention + which + "." + parts[3], shape));
      }
      return ForeignTensor.fused(spec, apart, dModel);
    }
    return stored
        .require(foreignName(spec, parts), ForeignTensor.shapeOf(spec, false))
        .as(spec, false);
  }

  private static String foreignName(Spec spec, String[] parts) {
    return switch (spec.name()) {
      case TensorPlan.TOKEN_EMBEDDING -> EMBEDDING;
      case TensorPlan.POSITION_EMBEDDING -> "pos_emb.weight";
      case TensorPlan.OUTPUT -> HEAD;
      case "output_norm.weight" -> "final_norm.scale";
      case "output_norm.bias" -> "final_norm.shift";
      default -> {
        String weight = parts[3];
        if (parts[2].endsWith("_norm")) {
          weight = weight.equals("weight") ? "scale" : "shift";
        }
        yield BLOCK + parts[1] + "." + LAYER_NAMES.get(parts[2]) + "." + weight;
      }
    };
  }

  /** The sizes from the shapes, by the config's keys. */
  private static Map<String, Integer> shapes(NamedTensors stored) {
    Map<String, Integer> shapes = new HashMap<>();
    shapes.put("n_layer", stored.countLayers("trf_blocks.%d.norm1.scale"));
    stored.extent(EMBEDDING, 0).ifPresent(n -> shapes.put("vocab_size", n));
    stored.extent(EMBEDDING, 1).ifPresent(n -> shapes.put("n_embd", n));
    stored.extent("pos_emb.weight", 0).ifPresent(n -> shapes.put("n_positions", n));
    stored.extent("trf_blocks.0.ff.layers.0.weight", 0).ifPresent(n -> shapes.put("n_inner", n));
    return shapes;
  }
}
