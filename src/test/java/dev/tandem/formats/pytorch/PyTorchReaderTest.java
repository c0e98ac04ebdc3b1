package dev.tandem.formats.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.huggingface.HuggingFaceLlamaTest;
import dev.tandem.model.Activation;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.TensorData.FileRegion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PyTorchReaderTest {
  private final Path directory;

  PyTorchReaderTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Checkpoint open(Path path, String... config) throws IOException {
    return Checkpoints.open(path.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private static void assertMalformed(Path path, String... parts) {
    assertThatThrownBy(() -> open(path).close())
        .isInstanceOf(ModelFormatException.class)
        .message()
        .contains(parts)
        .doesNotContain("\n");
  }

  private static void assertSame(Checkpoint read, Checkpoint model) throws IOException {
    HuggingFaceLlamaTest.assertSame(read, model);
  }

  /** TestModels.GPT2 with the usual inner size, and a head size of 64 if so said. */
  private static ModelConfig gpt2(boolean heads64, boolean tied, Activation activation) {
    ModelConfig c = TestModels.GPT2;
    int dModel = heads64 ? 128 : 12;
    return ModelConfig.builder(Architecture.GPT2)
        .nLayers(c.nLayers())
        .nHeads(2)
        .nKvHeads(2)
        .headDim(dModel / 2)
        .dModel(dModel)
        .dFf(4 * dModel)
        .vocabSize(c.vocabSize())
        .maxSeq(c.maxSeq())
        .norm(c.norm())
        .normEps(c.normEps())
        .activation(activation)
        .rope(c.rope())
        .tiedHead(tied)
        .build();
  }

  private Path file() {
    return directory.resolve("ckpt.pt");
  }

  @ParameterizedTest
  @CsvSource({
    "2, true, true, F32, transformer.",
    "2, false, false, F16, ''",
    "4, true, false, BF16, module.transformer.",
    "5, false, true, F32, transformer."
  })
  void huggingFaceGpt2(int protocol, boolean zip64, boolean streamed, DType dtype, String prefix)
      throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, dtype, 3);
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    TorchWriter torch = new TorchWriter(protocol);
    List<StoredTensor> stored = new ArrayList<>(ForeignLayouts.gpt2(model, prefix, true, true));
    stored.add(
        new StoredTensor(prefix + "h.0.attn.bias", DType.F32, List.of(1L, 1L, 1L), new byte[4]));
    Path file = directory.resolve("pytorch_model.bin");
    torch.save(file, torch.stateDict(stored), zip64, streamed);
    try (Checkpoint byFile = open(file);
        Checkpoint byDirectory = open(directory)) {
      assertThat(byFile.format()).isEqualTo("Hugging Face GPT-2 (PyTorch)");
      assertSame(byFile, model);
      assertSame(byDirectory, model);
      assertThat(byFile.tensor("blk.0.ffn_up.weight").data()).isInstanceOf(FileRegion.class);
    }
  }

  @Test
  void huggingFaceLlamaInShards() throws IOException {
    ModelConfig config = ForeignLayouts.llama(LinearBias.QKV, false);
    Checkpoint model = ForeignLayouts.random(config, DType.BF16, 3);
    Files.writeString(directory.resolve("config.json"), ForeignLayouts.llamaJson(config));
    List<StoredTensor> stored = ForeignLayouts.llama(model, "model.");
    Map<String, String> weightMap = new LinkedHashMap<>();
    for (int shard = 0; shard < 2; shard++) {
      String name = "pytorch_model-0000" + (shard + 1) + "-of-00002.bin";
      List<StoredTensor> part = stored.subList(shard * 9, shard == 0 ? 9 : stored.size());
      part.forEach(tensor -> weightMap.put(tensor.name(), name));
      TorchWriter torch = new TorchWriter(2);
      torch.save(directory.resolve(name), torch.stateDict(part), false, true);
    }
    Files.writeString(
        directory.resolve("pytorch_model.bin.index.json"), StoredTensor.index(weightMap));
    try (Checkpoint read = open(directory)) {
      assertThat(read.format()).isEqualTo("Hugging Face Llama (PyTorch)");
      assertSame(read, model);
    }
  }

  /** A training checkpoint as nanoGPT keeps it. */
  private Map<String, Object> nanoGpt(TorchWriter torch, Checkpoint model, boolean biases)
      throws IOException {
    ModelConfig c = model.config();
    List<StoredTensor> stored =
        new ArrayList<>(ForeignLayouts.gpt2(model, "_orig_mod.transformer.", false, biases));
    TorchWriter.StateDict weights = torch.stateDict(stored);
    Map<String, Object> members = new LinkedHashMap<>(weights.members());
    Object embedding = members.get("_orig_mod.transformer.wte.weight");
    members.put("_orig_mod.lm_head.weight", embedding); // the same storage
    Map<String, Object> modelArgs = new LinkedHashMap<>();
    modelArgs.put("n_layer", c.nLayers());
    modelArgs.put("n_head", c.nHeads());
    modelArgs.put("n_embd", c.dModel());
    modelArgs.put("block_size", c.maxSeq());
    modelArgs.put("bias", biases);
    modelArgs.put("vocab_size", c.vocabSize());
    modelArgs.put("dropout", 0.0);
    Map<String, Object> optimizer = new LinkedHashMap<>();
    optimizer.put(
        "state", Map.of(0, Map.of("exp_avg", members.get(members.keySet().iterator().next()))));
    optimizer.put("param_groups", List.of(Map.of("lr", 6e-4, "params", List.of(0, 1))));
    Map<String, Object> top = new LinkedHashMap<>();
    top.put("model", new TorchWriter.StateDict(members));
    top.put("optimizer", optimizer);
    top.put("model_args", modelArgs);
    top.put("iter_num", 1_000_000_000_000L);
    top.put(
        "best_val_loss", torch.view(new StoredTensor("loss", DType.F32, List.of(), new byte[4])));
    top.put("config", new LinkedHashMap<>(Map.of("out_dir", "out", "wandb_log", false)));
    return top;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void nanoGptCheckpoints(boolean biases) throws IOException {
    ModelConfig config = gpt2(false, true, Activation.GELU_ERF);
    Checkpoint model =
        biases
            ? ForeignLayouts.random(config, DType.F32, 3)
            : RandomModels.of("zero biases", config, DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    torch.save(file(), nanoGpt(torch, model, biases), true, true);
    try (Checkpoint read = open(file())) {
      assertThat(read.format()).isEqualTo("nanoGPT (PyTorch)");
      assertThat(read.notes()).singleElement().asString().contains("error function");
      assertSame(read, model);
    }
    try (Checkpoint read = open(file(), "activation_function=gelu_new")) {
      assertThat(read.config().activation()).isEqualTo(Activation.GELU_TANH);
      assertThat(read.notes()).isEmpty();
    }
  }

  @Test
  void nanoGptConfigsAreHonoured() throws IOException {
    Checkpoint model = RandomModels.of("m", gpt2(false, true, Activation.GELU_ERF), DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    Map<String, Object> top = nanoGpt(torch, model, false);
    Map<String, Object> modelArgs = copy(top.getOrDefault("model_args", Map.of()));
    modelArgs.put("bias", true);
    top.put("model_args", modelArgs);
    torch.save(file(), top, true, true);
    assertMalformed(file(), "h.0.ln_1.bias", "got none");
    modelArgs.put("bias", false);
    modelArgs.put("n_kv_head", 1);
    TorchWriter again = new TorchWriter(2);
    Map<String, Object> other = nanoGpt(again, model, false);
    other.put("model_args", modelArgs);
    again.save(file(), other, true, true);
    assertMalformed(file(), "ckpt.pt: model_args", "n_kv_head", "not supported");
  }

  @Test
  void aTrainingsConfigDoesNotHideTheModels() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    TorchWriter torch = new TorchWriter(2);
    Object weights = torch.stateDict(ForeignLayouts.gpt2(model, "", true, true));
    torch.save(
        file(), Map.of("state_dict", weights, "config", Map.of("learning_rate", 1.5)), true, true);
    try (Checkpoint read = open(file())) {
      assertSame(read, model);
    }
    // the model's own takes precedence over the one beside it
    TorchWriter again = new TorchWriter(2);
    Object same = again.stateDict(ForeignLayouts.gpt2(model, "", true, true));
    again.save(file(), Map.of("state_dict", same, "config", Map.of("n_embd", 13)), true, true);
    assertMalformed(file(), "ckpt.pt: config");
  }

  @SuppressWarnings("unchecked") // what the test itself made
  private static Map<String, Object> copy(Object map) {
    return new LinkedHashMap<>((Map<String, Object>) map);
  }

  @ParameterizedTest
  @CsvSource({"true, false", "false, false", "true, true"})
  void tutorialNames(boolean qkvBiases, boolean tied) throws IOException {
    ModelConfig config = gpt2(false, tied, Activation.GELU_TANH);
    Checkpoint model =
        qkvBiases
            ? ForeignLayouts.random(config, DType.F32, 3)
            : RandomModels.of("zero biases", config, DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    List<StoredTensor> stored = new ArrayList<>(ForeignLayouts.tutorial(model, qkvBiases));
    stored.add(new StoredTensor("trf_blocks.1.att.mask", DType.F32, List.of(2L, 2L), new byte[16]));
    Map<String, Object> members = new LinkedHashMap<>(torch.stateDict(stored).members());
    if (tied) {
      members.put("out_head.weight", members.get("tok_emb.weight"));
    }
    torch.save(file(), Map.of("model_state_dict", new TorchWriter.StateDict(members)), false, true);
    Files.writeString(
        directory.resolve("config.json"),
        String.format(
            "{\"vocab_size\": 1024, \"context_length\": 16, \"emb_dim\": 12, \"n_heads\": 2,"
                + " \"n_layers\": 2, \"drop_rate\": 0.1, \"qkv_bias\": %s}",
            qkvBiases));
    try (Checkpoint read = open(file())) {
      assertThat(read.format()).isEqualTo("tutorial-style GPT-2 (PyTorch)");
      assertSame(read, model);
    }
    Files.delete(directory.resolve("config.json"));
    assertMalformed(file(), "n_head", "set config n_head=NUMBER");
    try (Checkpoint read = open(file(), "n_heads=2")) {
      assertSame(read, model);
      assertThat(read.notes()).isEmpty();
    }
    if (qkvBiases) {
      assertThatThrownBy(() -> open(file(), "n_heads=2", "qkv_bias=false").close())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("W_query.bias");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void withoutAConfigHeadsOf64AreAssumedAndSaid(boolean inOut) throws IOException {
    Activation activation = inOut ? Activation.GELU_TANH : Activation.GELU_ERF;
    Checkpoint model = ForeignLayouts.random(gpt2(true, false, activation), DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    torch.save(file(), torch.stateDict(ForeignLayouts.gpt2(model, "", inOut, true)), true, true);
    try (Checkpoint read = open(file())) {
      assertSame(read, model);
      assertThat(read.notes()).anyMatch(note -> note.statement().contains("assumed 2 heads of 64"));
      assertThat(read.notes()).hasSize(inOut ? 1 : 2);
    }
    try (Checkpoint read = open(file(), "n_head=4")) {
      assertThat(read.config().nHeads()).isEqualTo(4);
      assertThat(read.notes()).hasSize(inOut ? 0 : 1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {50_257, 50_304, 51_200})
  void gpt2sOwnTokenizerIsAssumedAndSaid(int vocabSize) throws IOException {
    ModelConfig c = gpt2(false, true, Activation.GELU_TANH);
    ModelConfig large =
        ModelConfig.builder(Architecture.GPT2)
            .nLayers(1)
            .nHeads(2)
            .nKvHeads(2)
            .headDim(6)
            .dModel(12)
            .dFf(48)
            .vocabSize(vocabSize)
            .maxSeq(16)
            .norm(c.norm())
            .normEps(c.normEps())
            .activation(c.activation())
            .bias(c.bias())
            .rope(c.rope())
            .tiedHead(true)
            .build();
    Checkpoint model = RandomModels.of("large", large, DType.F16, 3);
    TorchWriter torch = new TorchWriter(2);
    torch.save(file(), torch.stateDict(ForeignLayouts.gpt2(model, "", true, true)), true, true);
    try (Checkpoint read = open(file(), "n_head=2")) {
      assertThat(read.notes()).singleElement().asString().contains("GPT-2's own tokenizer");
      assertThat(read.tokenizer().encode("Hello", false)).containsExactly(15496);
      assertThat(read.tokenizer().vocabSize()).isEqualTo(vocabSize);
    }
    Files.writeString(directory.resolve("vocab.json"), "{}");
    try (Checkpoint read = open(file(), "n_head=2")) {
      assertThat(read.notes()).isEmpty();
      assertThatThrownBy(read::tokenizer).isInstanceOf(IOException.class);
    }
  }

  @Test
  void otherFilesAreNoZipArchives() throws IOException {
    assertMalformed(Files.write(directory.resolve("no.pt"), new byte[3]), "a zip archive");
  }

  @Test
  void filesWithoutAStateDictAreNamed() throws IOException {
    TorchWriter torch = new TorchWriter(2);
    for (Object top : List.of(7, List.of(), Map.of(), Map.of("model", Map.of("a", 1)))) {
      new TorchWriter(2).save(file(), top, false, true);
      assertMalformed(file(), "pickle: expected a state_dict at the top or under model");
    }
    torch.save(file(), torch.stateDict(List.of()).members(), false, false);
    assertMalformed(file(), "a dictionary without tensors");
    TorchWriter other = new TorchWriter(2);
    StoredTensor tensor = new StoredTensor("conv1.weight", DType.F32, List.of(1L), new byte[4]);
    other.save(file(), other.stateDict(List.of(tensor)), false, false);
    assertMalformed(file(), "tensors' names", "got conv1.weight");
  }
}
