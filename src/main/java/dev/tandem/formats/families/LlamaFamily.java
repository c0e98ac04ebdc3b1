package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.DerivedData;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Llama with Hugging Face's names, linear layers {@code [out, in]}. Its rotary embedding pairs
 * elements {@code (i, i + headDim/2)} of a head. The rows of queries and keys are reordered so that
 * the elements of a pair are adjacent.
 */
public final class LlamaFamily implements ForeignFamily {
  private static final String EMBEDDING = "embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  /** The frequencies in older files, which we compute ourselves. */
  private static final Pattern FREQUENCIES =
      Pattern.compile("layers\\.\\d+\\.self_attn\\.rotary_emb\\.inv_freq");

  private static final Map<String, String> LAYER_NAMES =
      Map.of(
          "attn_norm", "input_layernorm",
          "attn_q", "self_attn.q_proj",
          "attn_k", "self_attn.k_proj",
          "attn_v", "self_attn.v_proj",
          "attn_output", "self_attn.o_proj",
          "ffn_norm", "post_attention_layernorm",
          "ffn_gate", "mlp.gate_proj",
          "ffn_up", "mlp.up_proj",
          "ffn_down", "mlp.down_proj");

  @Override
  public boolean recognises(NamedTensors stored) {
    return stored.contains(EMBEDDING) || stored.contains("layers.0.self_attn.q_proj.weight");
  }

  @Override
  public Model read(NamedTensors stored, JsonObject json) throws IOException {
    if (json.keys().isEmpty()) {
      throw new ModelFormatException(
          stored.path(),
          "no config.json beside it; a Llama's heads, context and RoPE are in no other file",
          Remedy.configFile());
    }
    boolean headOnly = stored.tieToHead(EMBEDDING, HEAD, json);
    LlamaConfig stated = LlamaConfig.of(json, stored.contains(HEAD) && !headOnly);
    ModelConfig config = stated.model();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : TensorPlan.of(config).specs()) {
      Tensor tensor =
          spec.use() == TensorPlan.Use.FACTORS
              ? factors(spec, stated.rope().factors())
              : tensor(stored, spec, config);
      tensors.put(spec.name(), tensor);
    }
    if (config.tiedHead()) {
      stored.find(HEAD);
    }
    stored.requireAllUsed(FREQUENCIES);
    List<Note> notes =
        headOnly && !json.has("tie_word_embeddings")
            ? List.of(
                new Note(
                    "assumed that lm_head.weight is the token embedding too: no other is stored"))
            : List.of();
    return new Model("Hugging Face Llama", config, tensors, notes);
  }

  /** What divides the rotary frequencies, as a tensor. */
  static Tensor factors(Spec spec, float[] factors) {
    ByteBuffer memory = MemoryRegion.allocate(Float.BYTES * factors.length);
    memory.asFloatBuffer().put(factors);
    return spec.tensor(DType.F32, false, new MemoryRegion(memory));
  }

  private static Tensor tensor(NamedTensors stored, Spec spec, ModelConfig config)
      throws IOException {
    ForeignTensor foreign =
        stored.require(foreignName(spec.name()), ForeignTensor.shapeOf(spec, false));
    Tensor tensor = foreign.as(spec, false);
    int heads =
        spec.name().contains(".attn_q.")
            ? config.nHeads()
            : spec.name().contains(".attn_k.") ? config.nKvHeads() : 0;
    if (heads == 0) {
      return tensor;
    }
    int[] order = pairsTogether(heads, config.headDim());
    long rowBytes = tensor.bytes() / order.length; // a bias has rows of one element
    return spec.tensor(
        tensor.dtype(), false, DerivedData.permutedRows(foreign.straight(), rowBytes, order));
  }

  /** Row {@code 2i + half} of a head is Hugging Face's row {@code half * headDim/2 + i}. */
  static int[] pairsTogether(int heads, int headDim) {
    int[] order = new int[heads * headDim];
    for (int row = 0; row < order.length; row++) {
      int within = row % headDim;
      order[row] = row - within + within % 2 * (headDim / 2) + within / 2;
    }
    return order;
  }

  /** A tensor's name, without the prefix {@code model.}, which all but the head have in files. */
  public static String foreignName(String name) {
    return switch (name) {
      case TensorPlan.TOKEN_EMBEDDING -> EMBEDDING;
      case TensorPlan.OUTPUT -> HEAD;
      case "output_norm.weight" -> "norm.weight";
      default -> {
        String[] parts = name.split("\\.", -1); // blk.N.kind.weight
        yield "layers." + parts[1] + "." + LAYER_NAMES.get(parts[2]) + "." + parts[3];
      }
    };
  }
}
