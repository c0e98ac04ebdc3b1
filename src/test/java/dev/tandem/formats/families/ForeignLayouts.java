package dev.tandem.formats.families;

import dev.tandem.formats.TokenizerFiles;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Models as others lay them out, made from ours by the definitions of their layouts. */
public final class ForeignLayouts {
  private ForeignLayouts() {}

  /** A model whose every tensor is random: biases, gains and factors, too. */
  public static Checkpoint random(ModelConfig config, DType dtype, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (TensorPlan.Spec spec : TensorPlan.of(config).specs()) {
      ByteBuffer memory = MemoryRegion.allocate((int) dtype.bytes(spec.elements()));
      for (int i = 0; i < spec.elements(); i++) {
        if (dtype == DType.F32) {
          memory.putFloat(4 * i, (float) random.nextGaussian());
        } else { // finite in either 16-bit type
          memory.putShort(2 * i, (short) (random.nextInt() & 0xbfff));
        }
      }
      tensors.put(spec.name(), spec.tensor(dtype, false, new MemoryRegion(memory)));
    }
    return new Checkpoint(
        "random", "test", config, tensors, () -> TokenizerFiles.open("gpt2"), List.of());
  }

  /** A small Llama with grouped heads whose size is not dModel / nHeads. */
  public static ModelConfig llama(LinearBias bias, boolean tiedHead) {
    ModelConfig c = TestModels.llama(tiedHead);
    return ModelConfig.builder(Architecture.LLAMA)
        .nLayers(c.nLayers())
        .nHeads(6)
        .nKvHeads(2)
        .headDim(8)
        .dModel(c.dModel())
        .dFf(c.dFf())
        .vocabSize(c.vocabSize())
        .maxSeq(c.maxSeq())
        .normEps(c.normEps())
        .activation(c.activation())
        .bias(bias)
        .ropeTheta(c.ropeTheta())
        .tiedHead(tiedHead)
        .build();
  }

  /** Hugging Face's config.json of a Llama. */
  public static String llamaJson(ModelConfig c) {
    return String.format(
        "{\"model_type\": \"%s\", \"hidden_act\": \"silu\", \"hidden_size\": %d,"
            + " \"intermediate_size\": %d, \"num_hidden_layers\": %d,"
            + " \"num_attention_heads\": %d, \"num_key_value_heads\": %d, \"head_dim\": %d,"
            + " \"vocab_size\": %d, \"max_position_embeddings\": %d, \"rms_norm_eps\": %s,"
            + " \"rope_theta\": %s, \"attention_bias\": %s, \"tie_word_embeddings\": %s}",
        c.bias() == LinearBias.QKV ? "qwen2" : "llama",
        c.dModel(),
        c.dFf(),
        c.nLayers(),
        c.nHeads(),
        c.nKvHeads(),
        c.headDim(),
        c.vocabSize(),
        c.maxSeq(),
        c.normEps(),
        c.ropeTheta(),
        c.bias() == LinearBias.ATTENTION,
        c.tiedHead());
  }

  /** A Llama as Hugging Face stores it, with the given prefix but for the head. */
  public static List<StoredTensor> llama(Checkpoint model, String prefix) throws IOException {
    ModelConfig c = model.config();
    List<StoredTensor> stored = new ArrayList<>();
    for (Tensor tensor : model.tensors().values()) {
      String name =
          tensor
              .name()
              .replace("token_embd", "embed_tokens")
              .replace("output_norm", "norm")
              .replace("blk.", "layers.")
              .replace("attn_norm", "input_layernorm")
              .replaceAll("attn_([qkv])", "self_attn.$1_proj")
              .replace("attn_output", "self_attn.o_proj")
              .replace("ffn_norm", "post_attention_layernorm")
              .replaceAll("ffn_(gate|up|down)", "mlp.$1_proj");
      if (name.equals("rope_freqs.weight")) {
        continue; // in the config
      }
      byte[] bytes = TestModels.bytes(tensor, false);
      int heads = name.contains("q_proj") ? c.nHeads() : name.contains("k_proj") ? c.nKvHeads() : 0;
      if (heads > 0) {
        bytes = toHalves(bytes, heads, c.headDim());
      }
      String full = name.equals("output.weight") ? "lm_head.weight" : prefix + name;
      stored.add(new StoredTensor(full, tensor.dtype(), shape(tensor, false), bytes));
    }
    return stored;
  }

  /**
   * The inverse of {@code view(h, 2, hs/2, dim).transpose(1, 2)}: {@code ours[h][i][j] =
   * theirs[h][j][i]} for {@code i} in {@code hs/2} and {@code j} in 2.
   */
  public static byte[] toHalves(byte[] ours, int heads, int headDim) {
    int rowBytes = ours.length / (heads * headDim);
    byte[] theirs = new byte[ours.length];
    for (int h = 0; h < heads; h++) {
      for (int i = 0; i < headDim / 2; i++) {
        for (int j = 0; j < 2; j++) {
          int from = (h * (headDim / 2) + i) * 2 + j;
          int to = (h * 2 + j) * (headDim / 2) + i;
          System.arraycopy(ours, from * rowBytes, theirs, to * rowBytes, rowBytes);
        }
      }
    }
    return theirs;
  }

  /** A Llama by Meta's names, which llama2.c's training shares. */
  public static List<StoredTensor> meta(Checkpoint model, String prefix) throws IOException {
    List<StoredTensor> stored = new ArrayList<>();
    for (Tensor tensor : model.tensors().values()) {
      if (tensor.name().equals("rope_freqs.weight")) {
        continue; // in the config
      }
      String name =
          tensor
              .name()
              .replace("token_embd", "tok_embeddings")
              .replace("output_norm", "norm")
              .replace("blk.", "layers.")
              .replace("attn_norm", "attention_norm")
              .replaceAll("attn_([qkv])\\.", "attention.w$1.")
              .replace("attn_output", "attention.wo")
              .replace("ffn_gate", "feed_forward.w1")
              .replace("ffn_down", "feed_forward.w2")
              .replace("ffn_up", "feed_forward.w3");
      stored.add(
          new StoredTensor(
              prefix + name, tensor.dtype(), shape(tensor, false), bytes(tensor, false)));
    }
    return stored;
  }

  /** A GPT-2 by OpenAI's names; linear layers as {@code [in, out]} if so said. */
  public static List<StoredTensor> gpt2(
      Checkpoint model, String prefix, boolean inOut, boolean biases) throws IOException {
    List<StoredTensor> stored = new ArrayList<>();
    for (Map.Entry<String, Tensor> e : TestModels.huggingFaceNames(model, prefix).entrySet()) {
      Tensor tensor = e.getValue();
      boolean turned = inOut && e.getKey().contains(".c_") && tensor.rows() > 1;
      if (biases || !e.getKey().endsWith(".bias")) {
        stored.add(
            new StoredTensor(
                e.getKey(), tensor.dtype(), shape(tensor, turned), bytes(tensor, turned)));
      }
    }
    return stored;
  }

  /** A GPT-2 by the names of tutorials. */
  public static List<StoredTensor> tutorial(Checkpoint model, boolean qkvBiases)
      throws IOException {
    List<StoredTensor> stored = new ArrayList<>();
    int dModel = model.config().dModel();
    for (Tensor tensor : model.tensors().values()) {
      String name =
          tensor
              .name()
              .replace("token_embd", "tok_emb")
              .replace("position_embd", "pos_emb")
              .replaceAll("^output.weight", "out_head.weight")
              .replaceAll("(attn|ffn|output)_norm.weight", "$1_norm.scale")
              .replaceAll("(attn|ffn|output)_norm.bias", "$1_norm.shift")
              .replace("output_norm", "final_norm")
              .replace("blk.", "trf_blocks.")
              .replace("attn_norm", "norm1")
              .replace("attn_output", "att.out_proj")
              .replace("ffn_norm", "norm2")
              .replace("ffn_up", "ff.layers.0")
              .replace("ffn_down", "ff.layers.2");
      StoredTensor whole =
          new StoredTensor(name, tensor.dtype(), shape(tensor, false), bytes(tensor, false));
      if (!name.contains("attn_qkv")) {
        stored.add(whole);
      } else if (qkvBiases || name.endsWith("weight")) {
        List<String> parts = List.of("W_query", "W_key", "W_value");
        int partBytes = whole.bytes().length / 3;
        for (int i = 0; i < 3; i++) {
          List<Long> shape = new ArrayList<>(whole.shape());
          shape.set(0, (long) dModel);
          byte[] part = new byte[partBytes];
          System.arraycopy(whole.bytes(), i * partBytes, part, 0, partBytes);
          stored.add(
              new StoredTensor(
                  name.replace("attn_qkv", "att." + parts.get(i)), tensor.dtype(), shape, part));
        }
      }
    }
    return stored;
  }

  private static byte[] bytes(Tensor tensor, boolean transpose) throws IOException {
    if (tensor.transposed() == transpose) {
      return TestModels.bytes(tensor, false);
    }
    if (!tensor.transposed()) {
      return TestModels.bytes(tensor, true);
    }
    // the embedded GPT-2 is stored [in, out] itself: what is stored, turned
    long storedRows = tensor.cols();
    long storedCols = tensor.rows();
    return TestModels.bytes(
        new Tensor(tensor.name(), tensor.dtype(), storedRows, storedCols, false, tensor.data()),
        true);
  }

  private static List<Long> shape(Tensor tensor, boolean turned) {
    if (tensor.rows() == 1) {
      return List.of(tensor.cols());
    }
    return turned ? List.of(tensor.cols(), tensor.rows()) : List.of(tensor.rows(), tensor.cols());
  }
}
