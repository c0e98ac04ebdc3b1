package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.Activation;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.model.TensorPlan.Use;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.DerivedData;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * GPT-2 with the names of OpenAI's release, which Hugging Face and nanoGPT share. Hugging Face
 * stores linear layers {@code [in, out]} (its Conv1D), nanoGPT {@code [out, in]}. The shape of
 * {@code c_attn}, which is not square, shows the order.
 */
public final class Gpt2Family implements ForeignFamily {
  private static final String FIRST_QKV = "h.0.attn.c_attn.weight";
  private static final String EMBEDDING = "wte.weight";
  private static final String HEAD = "lm_head.weight";

  /** The causal masks in old files. */
  private static final Pattern MASKS = Pattern.compile("h\\.\\d+\\.attn\\.(bias|masked_bias)");

  private static final Map<String, String> LAYER_NAMES =
      Map.of(
          "attn_norm", "ln_1",
          "attn_qkv", "attn.c_attn",
          "attn_output", "attn.c_proj",
          "ffn_norm", "ln_2",
          "ffn_up", "mlp.c_fc",
          "ffn_down", "mlp.c_proj");

  @Override
  public boolean recognises(NamedTensors stored) {
    return stored.contains(FIRST_QKV) || stored.contains(EMBEDDING);
  }

  @Override
  public Model read(NamedTensors stored, JsonObject json) throws IOException {
    boolean inOut = isInOut(stored);
    stored.tieToHead(EMBEDDING, HEAD, json);
    Gpt2Config stated = new Gpt2Config(json, shapes(stored, inOut));
    boolean huggingFace = inOut || json.has("model_type");
    boolean tied = json.has("model_type") || TiedHead.of(stored, EMBEDDING, HEAD);
    ModelConfig config =
        stated.model(huggingFace ? Activation.GELU_TANH : Activation.GELU_ERF, tied);
    boolean biases =
        json.flag("bias", !stated.isGuessed() || stored.contains("h.0.attn.c_attn.bias"));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : TensorPlan.of(config).specs()) {
      tensors.put(spec.name(), tensor(stored, spec, inOut, biases));
    }
    if (config.tiedHead()) {
      stored.find(HEAD); // a copy of wte.weight, which transformers ensures when it loads a model
    }
    stored.requireAllUsed(MASKS);
    List<Note> notes = new ArrayList<>(stated.notes(config));
    if (!huggingFace && !json.has("activation_function")) {
      notes.add(
          new Note(
              "assumed GELU by the error function, as current nanoGPT has it",
              Remedy.config("activation_function", "gelu_new", "for the tanh form")));
    }
    return new Model(huggingFace ? "Hugging Face GPT-2" : "nanoGPT", config, tensors, notes);
  }

  private static Tensor tensor(NamedTensors stored, Spec spec, boolean inOut, boolean biases)
      throws IOException {
    if (spec.use() == Use.BIAS && !biases) {
      return zeros(spec);
    }
    boolean turned = inOut && isLinear(spec);
    List<Long> shape = ForeignTensor.shapeOf(spec, turned);
    return stored.require(foreignName(spec.name()), shape).as(spec, turned);
  }

  /** The zeros for a missing bias, because our GPT-2 layers have all biases. */
  static Tensor zeros(Spec spec) {
    return spec.tensor(DType.F32, false, DerivedData.zeros(DType.F32.bytes(spec.elements())));
  }

  /** Whether Hugging Face stores it {@code [in, out]}. */
  public static boolean isLinear(Spec spec) {
    boolean matrix = spec.use() == Use.MATRIX || spec.use() == Use.RESIDUAL;
    return matrix && !spec.name().equals(TensorPlan.OUTPUT);
  }

  private static boolean isInOut(NamedTensors stored) throws IOException {
    Optional<ForeignTensor> qkv = stored.find(FIRST_QKV);
    if (qkv.isEmpty() || qkv.get().shape().size() != 2) {
      return true; // either value: the missing tensor is the error
    }
    List<Long> shape = qkv.get().shape();
    return shape.get(1) > shape.get(0);
  }

  /** The sizes from the shapes, by the config's keys. */
  private static Map<String, Integer> shapes(NamedTensors stored, boolean inOut) {
    Map<String, Integer> shapes = new HashMap<>();
    shapes.put("n_layer", stored.countLayers("h.%d.ln_1.weight"));
    stored.extent(EMBEDDING, 0).ifPresent(n -> shapes.put("vocab_size", n));
    stored.extent(EMBEDDING, 1).ifPresent(n -> shapes.put("n_embd", n));
    stored.extent("wpe.weight", 0).ifPresent(n -> shapes.put("n_positions", n));
    stored.extent("h.0.mlp.c_fc.weight", inOut ? 1 : 0).ifPresent(n -> shapes.put("n_inner", n));
    return shapes;
  }

  /** A tensor's name, without the prefix {@code transformer.} that some files have. */
  public static String foreignName(String name) {
    return switch (name) {
      case TensorPlan.TOKEN_EMBEDDING -> EMBEDDING;
      case TensorPlan.POSITION_EMBEDDING -> "wpe.weight";
      case TensorPlan.OUTPUT -> HEAD;
      case "output_norm.weight" -> "ln_f.weight";
      case "output_norm.bias" -> "ln_f.bias";
      default -> {
        String[] parts = name.split("\\.", -1); // blk.N.kind.weight
        yield "h." + parts[1] + "." + LAYER_NAMES.get(parts[2]) + "." + parts[3];
      }
    };
  }
}
