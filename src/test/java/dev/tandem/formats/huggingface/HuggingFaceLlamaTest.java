package dev.tandem.formats.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ConfigChange;
import dev.tandem.model.HashCache;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelHash;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TensorDigest;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

public class HuggingFaceLlamaTest {
  private final Path directory;

  HuggingFaceLlamaTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @BeforeEach
  void tokenizer() throws IOException {
    Files.copy(
        TestModels.WEIGHTS.resolve("stories260K/tok512.bin"), directory.resolve("tokenizer.bin"));
  }

  private Checkpoint open(String... config) throws IOException {
    return Checkpoints.open(
        directory.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private void assertMalformed(String... parts) {
    assertThatThrownBy(() -> open().close())
        .isInstanceOf(ModelFormatException.class)
        .message()
        .contains(parts)
        .doesNotContain("\n");
  }

  private Checkpoint write(ModelConfig config, DType dtype) throws IOException {
    Checkpoint model = ForeignLayouts.random(config, dtype, 7);
    Files.writeString(directory.resolve("config.json"), ForeignLayouts.llamaJson(config));
    Files.write(
        directory.resolve("model.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.llama(model, "model.")));
    return model;
  }

  private void replace(String what, String with) throws IOException {
    Path config = directory.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(what);
    Files.writeString(config, text.replace(what, with));
  }

  public static void assertSame(Checkpoint read, Checkpoint model) throws IOException {
    assertThat(read.config()).isEqualTo(model.config());
    assertThat(read.tensors().keySet()).containsExactlyElementsOf(model.tensors().keySet());
    assertThat(ModelHash.entries(read, any -> true, Optional.empty()))
        .isEqualTo(ModelHash.entries(model, any -> true, Optional.empty()));
  }

  @ParameterizedTest
  @CsvSource({
    "NONE, true, F32, model.",
    "NONE, false, F16, ''",
    "QKV, true, BF16, model.",
    "ATTENTION, false, F32, _orig_mod.model."
  })
  void theyReadBack(LinearBias bias, boolean tied, DType dtype, String prefix) throws IOException {
    Checkpoint model = write(ForeignLayouts.llama(bias, tied), dtype);
    Files.write(
        directory.resolve("model.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.llama(model, prefix)));
    try (Checkpoint read = open()) {
      assertThat(read.format()).isEqualTo("Hugging Face Llama (safetensors)");
      assertThat(read.notes()).isEmpty();
      assertSame(read, model);
      assertThat(read.tokenizer().vocabSize()).isEqualTo(512);
    }
  }

  @Test
  void withoutTheReorderingTheyAreAnotherModel() throws IOException {
    Checkpoint model = write(ForeignLayouts.llama(LinearBias.QKV, true), DType.F32);
    List<StoredTensor> unturned = new ArrayList<>(ForeignLayouts.llama(model, ""));
    unturned.replaceAll(
        stored ->
            stored.name().endsWith("k_proj.bias")
                ? new StoredTensor(
                    stored.name(),
                    stored.dtype(),
                    stored.shape(),
                    ForeignLayouts.toHalves(stored.bytes(), 2, 8))
                : stored);
    Files.write(directory.resolve("model.safetensors"), StoredTensor.safetensors(unturned));
    try (Checkpoint read = open()) {
      Tensor bias = read.tensor("blk.1.attn_k.bias");
      assertThat(TensorDigest.of(bias))
          .isNotEqualTo(TensorDigest.of(model.tensor("blk.1.attn_k.bias")));
      assertThat(TensorDigest.of(read.tensor("blk.1.attn_q.bias")))
          .isEqualTo(TensorDigest.of(model.tensor("blk.1.attn_q.bias")));
    }
  }

  @Test
  void rowsOfHeadsAreReorderedAsInAWorkedExample() throws IOException {
    // one head of 4: Hugging Face's rows a0 a1 b0 b1 are our pairs (a0, b0), (a1, b1)
    assertThat(ForeignLayouts.toHalves(new byte[] {10, 20, 11, 21}, 1, 4))
        .containsExactly(10, 11, 20, 21);
    Checkpoint model = write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    try (Checkpoint read = open()) {
      float[] ours = new float[24 * 8];
      read.tensor("blk.0.attn_k.weight").read(8 * 24, 8 * 24, ours, 0); // the second head
      float[] original = new float[24 * 8];
      model.tensor("blk.0.attn_k.weight").read(8 * 24, 8 * 24, original, 0);
      assertThat(ours).isEqualTo(original);
    }
  }

  @Test
  void copiesOfATiedHeadAndOldFrequenciesAreNoTensors() throws IOException {
    Checkpoint model = write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    List<StoredTensor> stored = new ArrayList<>(ForeignLayouts.llama(model, "model."));
    stored.add(stored.get(0).named("lm_head.weight"));
    stored.add(
        new StoredTensor(
            "model.layers.1.self_attn.rotary_emb.inv_freq", DType.F32, List.of(4L), new byte[16]));
    Files.write(directory.resolve("model.safetensors"), StoredTensor.safetensors(stored));
    try (Checkpoint read = open()) {
      assertSame(read, model);
    }
    replace("\"tie_word_embeddings\": true", "\"bos_token_id\": 1");
    try (Checkpoint read = open()) { // a config that does not say: there is a head
      assertThat(read.config().tiedHead()).isFalse();
      assertThat(TensorDigest.of(read.tensor("output.weight")))
          .isEqualTo(TensorDigest.of(model.tensor("token_embd.weight")));
    }
  }

  @Test
  void withoutAHeadItIsTiedUnlessTheConfigSaysNo() throws IOException {
    Checkpoint model = write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    replace(", \"tie_word_embeddings\": true", "");
    try (Checkpoint read = open()) {
      assertSame(read, model);
    }
    replace("\"model_type\"", "\"tie_word_embeddings\": false, \"model_type\"");
    assertMalformed("tie_word_embeddings: expected true", "no lm_head.weight", "got false");
    try (Checkpoint read = open("tie_word_embeddings=true")) {
      assertSame(read, model);
    }
  }

  @Test
  void slidingWindowsAreRefusedUnlessTheyCoverTheContext() throws IOException {
    write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    replace("\"llama\"", "\"mistral\", \"sliding_window\": 8");
    assertMalformed(
        "sliding_window: expected at least max_position_embeddings 16",
        "set config max_position_embeddings=8",
        "got 8");
    try (Checkpoint read = open("max_position_embeddings=8")) {
      assertThat(read.config().maxSeq()).isEqualTo(8);
    }
    replace("\"sliding_window\": 8", "\"sliding_window\": null");
    try (Checkpoint read = open()) {
      assertThat(read.config().maxSeq()).isEqualTo(16);
    }
    replace("\"sliding_window\": null", "\"sliding_window\": 16");
    open().close();
    // a Mistral's config that does not say: transformers' default
    replace(", \"sliding_window\": 16", "");
    open().close();
    replace("\"max_position_embeddings\": 16", "\"max_position_embeddings\": 32768");
    assertMalformed("sliding_window: expected at least max_position_embeddings 32768", "got 4096");
    open("sliding_window=null").close();
    write(ForeignLayouts.llama(LinearBias.QKV, true), DType.F32);
    replace("\"qwen2\"", "\"qwen2\", \"sliding_window\": 8, \"use_sliding_window\": false");
    open().close();
    replace("\"use_sliding_window\": false", "\"use_sliding_window\": true");
    assertMalformed("sliding_window");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"eos_token_id\": 2", "\"eos_token_id\": [2]"})
  void textsEndAtTheIdsOfBothConfigs(String eos) throws IOException {
    write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    replace("\"model_type\"", eos + ", \"model_type\"");
    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [2, 7]}");
    Files.delete(directory.resolve("tokenizer.bin"));
    for (String file : List.of("vocab.json", "merges.txt")) {
      Files.copy(
          TestModels.WEIGHTS.resolve("gpt2-shakespeare").resolve(file), directory.resolve(file));
    }
    ModelConfig c = ForeignLayouts.llama(LinearBias.NONE, true);
    Path config = directory.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"vocab_size\": 512", "\"vocab_size\": 1024"));
    Checkpoint model = ForeignLayouts.random(ConfigChange.with(c, "vocabSize", 1024), DType.F16, 1);
    Files.write(
        directory.resolve("model.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.llama(model, "model.")));
    try (Checkpoint read = open()) {
      assertThat(read.tokenizer().stopIds()).contains(2, 7);
    }
    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [\"x\"]}");
    assertMalformed("generation_config.json", "eos_token_id", "32-bit integer");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"llama\"|\"gemma2\"|model_type: expected llama, mistral or qwen2",
        "\"llama\"|\"gpt2\"|model_type",
        "\"silu\"|\"gelu\"|hidden_act: expected silu, got gelu",
        "\"hidden_size\": 24|\"hidden_size\": 25|shape [512, 25], got [512, 24]",
        "\"hidden_size\": 24|\"hidden_size\": null|hidden_size",
        "\"head_dim\": 8|\"head_dim\": 7|head_dim",
        "\"head_dim\": 8|\"head_dim\": 2000000000|head_dim",
        "\"head_dim\": 8, ||q_proj.weight",
        "\"num_attention_heads\": 6|\"num_attention_heads\": 0|num_attention_heads",
        "\"num_key_value_heads\": 2|\"num_key_value_heads\": 4|nKvHeads",
        "\"num_key_value_heads\": 2|\"num_key_value_heads\": 3|k_proj.weight",
        "\"num_hidden_layers\": 2|\"num_hidden_layers\": 3|layers.2.input_layernorm.weight",
        "\"num_hidden_layers\": 2|\"num_hidden_layers\": 1|layers.1.",
        "\"attention_bias\": false|\"attention_bias\": true|q_proj.bias",
        "\"attention_bias\": false|\"mlp_bias\": true|mlp_bias",
        "\"attention_bias\": false|\"partial_rotary_factor\": 0.5|partial_rotary_factor",
        "\"attention_bias\": false|\"quantization_config\": {\"bits\": 4}|quantization_config",
        "\"attention_bias\": false|\"attention_multiplier\": 0.1|attention_multiplier",
        "\"attention_bias\": false|\"logits_scaling\": 8|logits_scaling",
        "\"attention_bias\": false|\"residual_multiplier\": 0.2|residual_multiplier",
        "\"attention_bias\": false|\"final_logit_softcapping\": 30.0|final_logit_softcapping",
        "\"attention_bias\": false|\"num_local_experts\": 8|num_local_experts",
        "\"attention_bias\": false|\"layer_types\": [\"linear_attention\"]|layer_types",
        "\"attention_bias\": false|\"layer_types\": [1]|layer_types: expected a list of strings",
        "\"attention_bias\": false|\"rope_scaling\": {\"type\": \"dynamic\"}|got dynamic",
        "\"attention_bias\": false|\"rope_scaling\": {\"rope_type\": \"yarn\"}|got yarn",
        "\"attention_bias\": false|\"rope_scaling\": {\"type\": \"longrope\"}|got longrope",
        "\"attention_bias\": false|\"rope_scaling\": {\"factor\": 2}|rope_scaling.type",
        "\"attention_bias\": false|\"rope_scaling\": {\"type\": \"linear\"}|rope_scaling.factor",
        "\"attention_bias\": false|\"rope_scaling\": \"linear\"|rope_scaling: expected an object",
        "\"rope_theta\": 10000.0|\"rope_theta\": -1|rope_theta",
        "\"rope_theta\": 10000.0|\"rope_theta\": \"x\"|rope_theta",
        "\"rope_theta\": 10000.0|\"rope_parameters\": {\"full_attention\": {}}|rope_parameters.type",
      })
  void configsThatAreWrongOrNotSupportedAreNamed(String what, String with, String named)
      throws IOException {
    write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    replace(what, with == null ? "" : with);
    assertMalformed(named);
  }

  @Test
  void aModelOfAnotherFamilyIsNamed() throws IOException {
    write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    Files.write(
        directory.resolve("model.safetensors"),
        StoredTensor.safetensors(
            List.of(
                new StoredTensor("bert.embeddings.weight", DType.F32, List.of(1L), new byte[4]))));
    replace("\"llama\"", "\"bert\"");
    assertMalformed("model_type: expected a GPT-2, Llama, Mistral or Qwen2, got bert");
    Files.delete(directory.resolve("config.json"));
    assertMalformed("tensors' names", "got bert.embeddings.weight");
  }

  @Test
  void aLlamaNeedsAConfig() throws IOException {
    write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F32);
    Files.delete(directory.resolve("config.json"));
    assertMalformed("no config.json", "set config FILE");
  }

  private Map<String, String> writeShards(Checkpoint model) throws IOException {
    List<StoredTensor> stored = ForeignLayouts.llama(model, "model.");
    Files.deleteIfExists(directory.resolve("model.safetensors"));
    Map<String, String> weightMap = new LinkedHashMap<>();
    for (int shard = 0; shard < 3; shard++) {
      String file = "model-0000" + (shard + 1) + "-of-00003.safetensors";
      List<StoredTensor> part = new ArrayList<>();
      for (int i = shard; i < stored.size(); i += 3) {
        part.add(stored.get(i));
        weightMap.put(stored.get(i).name(), file);
      }
      Files.write(directory.resolve(file), StoredTensor.safetensors(part));
    }
    writeIndex(weightMap);
    return weightMap;
  }

  private void writeIndex(Map<String, String> weightMap) throws IOException {
    Files.writeString(
        directory.resolve("model.safetensors.index.json"), StoredTensor.index(weightMap));
  }

  @Test
  void shardsReadBack() throws IOException {
    Checkpoint model = write(ForeignLayouts.llama(LinearBias.NONE, false), DType.F16);
    writeShards(model);
    try (Checkpoint read = open();
        Checkpoint byIndex =
            Checkpoints.open(
                directory.resolve("model.safetensors.index.json").toString(), Optional.empty())) {
      assertSame(read, model);
      assertSame(byIndex, model);
      assertThat(HashCache.files(read.tensors().values())).hasSize(3);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../model.safetensors",
        "/etc/passwd",
        "sub/model.safetensors",
        "..",
        "a\\\\b",
        "",
        "c:model",
        "a\\u0000b"
      })
  void namesOfShardsThatArePathsAreRefused(String name) throws IOException {
    Checkpoint model = write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F16);
    Map<String, String> weightMap = writeShards(model);
    weightMap.put("model.norm.weight", name);
    writeIndex(weightMap);
    assertMalformed("weight_map.model.norm.weight", "the name of a file beside the index");
  }

  @Test
  void shardsAndIndexMustAgree() throws IOException {
    Checkpoint model = write(ForeignLayouts.llama(LinearBias.NONE, true), DType.F16);
    Map<String, String> weightMap = writeShards(model);
    String norm = "model.norm.weight";
    String right = weightMap.getOrDefault(norm, "");

    String wrong = right.contains("00001-") ? "model-00002-of-00003" : "model-00001-of-00003";
    weightMap.put(norm, wrong + ".safetensors");
    writeIndex(weightMap);
    assertMalformed(right, norm + ": expected " + wrong, "got this file");

    weightMap.remove(norm);
    writeIndex(weightMap);
    assertMalformed(right, norm + ": expected no file", "got this file");

    weightMap.put(norm, right);
    weightMap.put("model.extra.weight", right);
    writeIndex(weightMap);
    assertMalformed("model.extra.weight", "got none");

    weightMap.remove("model.extra.weight");
    writeIndex(weightMap);
    open().close();
    Files.delete(directory.resolve(right));
    assertMalformed("index.json", "weight_map: expected all files beside it", right);

    Files.writeString(directory.resolve("model.safetensors.index.json"), "{\"metadata\": {}}");
    assertMalformed("weight_map");
    Files.writeString(directory.resolve("model.safetensors.index.json"), "{\"weight_map\": {");
    assertMalformed("malformed JSON");
  }
}
