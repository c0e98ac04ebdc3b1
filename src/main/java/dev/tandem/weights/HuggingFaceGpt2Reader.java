package dev.tandem.weights;

import dev.tandem.config.ModelConfig;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.weights.Folder.OpenFile;
import dev.tandem.weights.TensorPlan.Spec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Hugging Face GPT-2: {@code config.json} and {@code model.safetensors}, with {@code vocab.json}
 * and {@code merges.txt}. Linear layers are stored {@code [in, out]} (Conv1D), hence transposed.
 */
final class HuggingFaceGpt2Reader implements ModelReader {
  private static final String CONFIG = "config.json";
  private static final String SUFFIX = ".safetensors";
  private static final String PREFIX = "transformer.";

  private static final Map<String, String> BLOCK_NAMES =
      Map.of(
          "attn_norm", "ln_1",
          "attn_qkv", "attn.c_attn",
          "attn_output", "attn.c_proj",
          "ffn_norm", "ln_2",
          "ffn_up", "mlp.c_fc",
          "ffn_down", "mlp.c_proj");

  @Override
  public String reads() {
    return "a Hugging Face GPT-2 (a directory with config.json and model.safetensors, or the"
        + " .safetensors file)";
  }

  @Override
  public boolean accepts(ModelLocation location) {
    return location.file().isPresent()
        ? location.file().get().endsWith(SUFFIX)
        : location.folder().contains(CONFIG);
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    Folder folder = location.folder();
    if (!options.hasConfigFile(folder)) {
      throw new ModelFormatException(location.path(), "no config.json beside it");
    }
    HuggingFaceGpt2Config stated = HuggingFaceGpt2Config.of(options.configOf(folder));
    ModelConfig config = stated.model();
    int[] stopIds = stated.eosId().stream().toArray();
    OpenFile file = folder.open(location.file().orElse("model" + SUFFIX));
    try {
      return new Checkpoint(
          location.name(),
          "Hugging Face GPT-2 (safetensors)",
          config,
          tensors(config, file),
          () -> TokenizerFiles.ofGpt2(folder, options.tokenizer(), config.vocabSize(), stopIds),
          file.closeables());
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static Map<String, Tensor> tensors(ModelConfig config, OpenFile file) throws IOException {
    Map<String, Safetensors.Entry> stored = withoutPrefix(file);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Set<String> known = masks(config);
    for (Spec spec : TensorPlan.of(config).specs()) {
      String foreign = foreignName(spec.name());
      known.add(foreign);
      Safetensors.Entry entry = stored.get(foreign);
      if (entry == null) {
        throw new ModelFormatException(
            file.path(), foreign, "a tensor of shape " + shape(spec), "none");
      }
      tensors.put(spec.name(), tensor(file.path(), spec, entry));
    }
    if (config.tiedHead()) {
      known.add("lm_head.weight"); // a copy of wte.weight, as transformers sees to when it loads
    }
    for (String name : stored.keySet()) {
      if (!known.contains(name)) {
        throw new ModelFormatException(file.path(), name, "no such tensor", "one");
      }
    }
    return tensors;
  }

  /** The causal masks that old files carry. */
  private static Set<String> masks(ModelConfig config) {
    Set<String> names = new HashSet<>();
    for (int layer = 0; layer < config.nLayers(); layer++) {
      names.add("h." + layer + ".attn.bias");
      names.add("h." + layer + ".attn.masked_bias");
    }
    return names;
  }

  private static Map<String, Safetensors.Entry> withoutPrefix(OpenFile file) throws IOException {
    Map<String, Safetensors.Entry> byName = new LinkedHashMap<>();
    for (Safetensors.Entry entry : Safetensors.read(file.path(), file.data()).values()) {
      String name = entry.name();
      String bare = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
      if (byName.put(bare, entry) != null) {
        throw new ModelFormatException(file.path(), bare, "one such tensor", "two");
      }
    }
    return byName;
  }

  private static Tensor tensor(String path, Spec spec, Safetensors.Entry entry)
      throws ModelFormatException {
    List<Long> expected = shape(spec);
    if (!entry.shape().equals(expected)) {
      throw new ModelFormatException(
          path, entry.name(), "shape " + expected, entry.shape().toString());
    }
    DType dtype =
        switch (entry.dtype()) {
          case "F32" -> DType.F32;
          case "F16" -> DType.F16;
          case "BF16" -> DType.BF16;
          default ->
              throw new ModelFormatException(
                  path, entry.name(), "type F32, F16 or BF16", entry.dtype());
        };
    return spec.tensor(dtype, isConv1d(spec), entry.data());
  }

  /** The shape that the file must state. */
  private static List<Long> shape(Spec spec) {
    List<Long> shape = new ArrayList<>();
    switch (spec.use()) {
      case GAIN, BIAS, FACTORS -> shape.add(spec.cols());
      case EMBEDDING, MATRIX, RESIDUAL -> {
        shape.add(isConv1d(spec) ? spec.cols() : spec.rows());
        shape.add(isConv1d(spec) ? spec.rows() : spec.cols());
      }
    }
    return shape;
  }

  private static boolean isConv1d(Spec spec) {
    boolean matrix = spec.use() == TensorPlan.Use.MATRIX || spec.use() == TensorPlan.Use.RESIDUAL;
    return matrix && !spec.name().equals(TensorPlan.OUTPUT);
  }

  private static String foreignName(String name) {
    return switch (name) {
      case TensorPlan.TOKEN_EMBEDDING -> "wte.weight";
      case TensorPlan.POSITION_EMBEDDING -> "wpe.weight";
      case TensorPlan.OUTPUT -> "lm_head.weight";
      case "output_norm.weight" -> "ln_f.weight";
      case "output_norm.bias" -> "ln_f.bias";
      default -> {
        String[] parts = name.split("\\.", -1); // blk.N.kind.weight
        yield "h." + parts[1] + "." + BLOCK_NAMES.get(parts[2]) + "." + parts[3];
      }
    };
  }
}
