package dev.tandem.formats.gguf;

import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Small models as GGUF files of {@link GgufBytes}, with the tokens of stories260K. */
public final class GgufModels {
  private GgufModels() {}

  /** A Llama whose rows are whole blocks of every type. */
  public static ModelConfig llama() {
    return llama(LinearBias.NONE, false, true, 64);
  }

  public static ModelConfig llama(LinearBias bias, boolean factors, boolean tied, int headDim) {
    return ModelConfig.builder(Architecture.LLAMA)
        .nLayers(2)
        .nHeads(4)
        .nKvHeads(2)
        .headDim(headDim)
        .dModel(256)
        .dFf(256)
        .vocabSize(512)
        .maxSeq(16)
        .normEps(1e-5f)
        .bias(bias)
        .ropeTheta(10_000)
        .ropeFactors(factors)
        .tiedHead(tied)
        .build();
  }

  /** The keys of a model without a tokenizer. */
  public static GgufBytes keys(ModelConfig config) {
    String arch = config.architecture().toString();
    GgufBytes gguf =
        new GgufBytes()
            .text("general.architecture", arch)
            .u32(arch + ".context_length", config.maxSeq())
            .u32(arch + ".embedding_length", config.dModel())
            .u32(arch + ".block_count", config.nLayers())
            .u32(arch + ".feed_forward_length", config.dFf())
            .u32(arch + ".attention.head_count", config.nHeads());
    if (arch.equals("gpt2")) {
      return gguf.f32("gpt2.attention.layer_norm_epsilon", config.normEps());
    }
    if (config.headDim() * config.nHeads() != config.dModel()) {
      gguf.u32("llama.attention.key_length", config.headDim());
      gguf.u32("llama.attention.value_length", config.headDim());
    }
    return gguf.u32("llama.attention.head_count_kv", config.nKvHeads())
        .f32("llama.attention.layer_norm_rms_epsilon", config.normEps())
        .f32("llama.rope.freq_base", (float) config.ropeTheta());
  }

  /** Adds the tokens of a vocabulary like that of llama2.c: control tokens, bytes, pieces. */
  public static GgufBytes addTokens(GgufBytes gguf, int vocabSize) {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    List<byte[]> types = new ArrayList<>();
    List<byte[]> scores = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      tokens.add(String.format("<0x%02X>", b));
    }
    tokens.add("\u2581");
    for (int i = 0; tokens.size() < vocabSize; i++) {
      tokens.add(i < 26 ? "" + (char) ('a' + i) : "\u2581" + i);
    }
    for (int id = 0; id < vocabSize; id++) {
      int type = id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
      types.add(GgufBytes.number(type, 4));
      scores.add(GgufBytes.number(Float.floatToRawIntBits(-id), 4));
    }
    return gguf.text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", tokens)
        .key("tokenizer.ggml.scores", GgufBytes.ARRAY, GgufBytes.array(GgufBytes.F32, scores))
        .key("tokenizer.ggml.token_type", GgufBytes.ARRAY, GgufBytes.array(GgufBytes.I32, types))
        .u32("tokenizer.ggml.bos_token_id", 1)
        .u32("tokenizer.ggml.eos_token_id", 2);
  }

  /** A whole file of a model. */
  public static GgufBytes of(Checkpoint model) throws IOException {
    GgufBytes gguf = addTokens(keys(model.config()), model.config().vocabSize());
    for (Tensor tensor : model.tensors().values()) {
      add(gguf, tensor);
    }
    return gguf;
  }

  /** Adds a tensor in its own type, F32, F16 or BF16. */
  public static void add(GgufBytes gguf, Tensor tensor) throws IOException {
    int type =
        switch (tensor.dtype()) {
          case F32 -> 0;
          case F16 -> 1;
          case BF16 -> 30;
          default -> throw new IllegalArgumentException("" + tensor.dtype());
        };
    byte[] bytes = TestModels.bytes(tensor, false);
    if (tensor.rows() == 1) {
      gguf.tensor(tensor.name(), type, bytes, tensor.cols());
    } else {
      gguf.tensor(tensor.name(), type, bytes, tensor.cols(), tensor.rows());
    }
  }
}
