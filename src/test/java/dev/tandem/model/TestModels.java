package dev.tandem.model;

import dev.tandem.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small models, and independent writers of the formats that the readers know. */
public final class TestModels {
  /** The embedded models' files. */
  public static final Path WEIGHTS = Path.of("weights");

  public static final ModelConfig GPT2 =
      ModelConfig.builder(Architecture.GPT2)
          .nLayers(2)
          .nHeads(2)
          .nKvHeads(2)
          .headDim(6)
          .dModel(12)
          .dFf(20)
          .vocabSize(1024)
          .maxSeq(16)
          .normEps(1e-5f)
          .tiedHead(true)
          .build();

  private TestModels() {}

  /** A Llama of the vocabulary of stories260K with grouped heads. */
  public static ModelConfig llama(boolean tiedHead) {
    return ModelConfig.builder(Architecture.LLAMA)
        .nLayers(2)
        .nHeads(4)
        .nKvHeads(2)
        .headDim(6)
        .dModel(24)
        .dFf(20)
        .vocabSize(512)
        .maxSeq(16)
        .normEps(1e-5f)
        .ropeTheta(10_000)
        .tiedHead(tiedHead)
        .build();
  }

  /** The stored bytes, turned if the model's layout differs. */
  public static byte[] bytes(Tensor tensor, boolean transpose) throws IOException {
    byte[] stored = new byte[(int) tensor.bytes()];
    tensor.data().slice(0, stored.length).get(stored);
    if (!transpose) {
      return stored;
    }
    int size = tensor.dtype().elementBytes();
    byte[] turned = new byte[stored.length];
    for (int r = 0; r < tensor.rows(); r++) {
      for (int c = 0; c < tensor.cols(); c++) {
        int from = (int) (r * tensor.cols() + c) * size;
        int to = (int) (c * tensor.rows() + r) * size;
        System.arraycopy(stored, from, turned, to, size);
      }
    }
    return turned;
  }

  /** A llama2.c file of version 0, after run.c's memory_map_weights. */
  public static byte[] llama2c(Checkpoint model) throws IOException {
    ModelConfig config = model.config();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int[] header = {
      config.dModel(),
      config.dFf(),
      config.nLayers(),
      config.nHeads(),
      config.nKvHeads(),
      config.tiedHead() ? config.vocabSize() : -config.vocabSize(),
      config.maxSeq()
    };
    ByteBuffer ints = ByteBuffer.allocate(28).order(ByteOrder.LITTLE_ENDIAN);
    ints.asIntBuffer().put(header);
    out.writeBytes(ints.array());
    out.writeBytes(bytes(model.tensor("token_embd.weight"), false));
    for (String kind :
        List.of(
            "attn_norm",
            "attn_q",
            "attn_k",
            "attn_v",
            "attn_output",
            "ffn_norm",
            "ffn_gate",
            "ffn_down",
            "ffn_up")) {
      for (int layer = 0; layer < config.nLayers(); layer++) {
        out.writeBytes(bytes(model.tensor("blk." + layer + "." + kind + ".weight"), false));
      }
    }
    out.writeBytes(bytes(model.tensor("output_norm.weight"), false));
    out.writeBytes(new byte[config.maxSeq() * config.headDim() * Float.BYTES]);
    if (!config.tiedHead()) {
      out.writeBytes(bytes(model.tensor("output.weight"), false));
    }
    return out.toByteArray();
  }

  /** The bytes of a GPT-2 model by Hugging Face's names. */
  public static Map<String, Tensor> huggingFaceNames(Checkpoint model, String prefix) {
    Map<String, Tensor> byName = new LinkedHashMap<>();
    for (Tensor tensor : model.tensors().values()) {
      String name =
          tensor
              .name()
              .replace("token_embd", "wte")
              .replace("position_embd", "wpe")
              .replace("output_norm", "ln_f")
              .replace("blk.", "h.")
              .replace("attn_norm", "ln_1")
              .replace("attn_qkv", "attn.c_attn")
              .replace("attn_output", "attn.c_proj")
              .replace("ffn_norm", "ln_2")
              .replace("ffn_up", "mlp.c_fc")
              .replace("ffn_down", "mlp.c_proj");
      byName.put(name.equals("output.weight") ? "lm_head.weight" : prefix + name, tensor);
    }
    return byName;
  }

  /** A safetensors file of a GPT-2 model. */
  public static byte[] safetensors(Checkpoint model, String prefix) throws IOException {
    StringBuilder header = new StringBuilder("{\"__metadata__\": {\"format\": \"pt\"}");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (Map.Entry<String, Tensor> entry : huggingFaceNames(model, prefix).entrySet()) {
      Tensor tensor = entry.getValue();
      boolean linear = entry.getKey().contains(".c_") && tensor.rows() > 1;
      List<Long> shape =
          tensor.rows() == 1
              ? List.of(tensor.cols())
              : linear
                  ? List.of(tensor.cols(), tensor.rows())
                  : List.of(tensor.rows(), tensor.cols());
      int begin = data.size();
      data.writeBytes(bytes(tensor, linear));
      header.append(
          String.format(
              ", \"%s\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": [%d, %d]}",
              entry.getKey(), tensor.dtype(), shape, begin, data.size()));
    }
    header.append("}");
    return safetensors(header.toString(), data.toByteArray());
  }

  /** A safetensors file of any header. */
  public static byte[] safetensors(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    return file.putLong(json.length).put(json).put(data).array();
  }

  /** A Hugging Face config.json. */
  public static String configJson(ModelConfig config) {
    return String.format(
        "{\"model_type\": \"gpt2\", \"n_layer\": %d, \"n_head\": %d, \"n_embd\": %d,"
            + " \"n_inner\": %d, \"vocab_size\": %d, \"n_positions\": %d,"
            + " \"layer_norm_epsilon\": %s, \"activation_function\": \"gelu_new\","
            + " \"tie_word_embeddings\": %s}",
        config.nLayers(),
        config.nHeads(),
        config.dModel(),
        config.dFf(),
        config.vocabSize(),
        config.maxSeq(),
        config.normEps(),
        config.tiedHead());
  }

  /** A Hugging Face directory with the tokenizer of gpt2-shakespeare. */
  public static Path writeGpt2(Path directory, Checkpoint model) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("config.json"), configJson(model.config()));
    Files.write(directory.resolve("model.safetensors"), safetensors(model, ""));
    for (String file : List.of("vocab.json", "merges.txt")) {
      Files.copy(WEIGHTS.resolve("gpt2-shakespeare").resolve(file), directory.resolve(file));
    }
    return directory;
  }

  /** A llama2.c file with the tokenizer of stories260K beside it. */
  public static Path writeLlama(Path directory, Checkpoint model) throws IOException {
    Files.createDirectories(directory);
    Files.copy(WEIGHTS.resolve("stories260K/tok512.bin"), directory.resolve("tok512.bin"));
    return Files.write(directory.resolve("model.bin"), llama2c(model));
  }
}
