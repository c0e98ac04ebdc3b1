package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.pytorch.StoredZip;
import dev.tandem.formats.pytorch.TorchWriter;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** As {@link MutatedFilesTest}, for Hugging Face's and PyTorch's files. */
@Tag("slow")
class MutatedForeignFilesTest {
  private final Path directory;
  private final Mutations mutations = new Mutations(100, 10);

  MutatedForeignFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private void copyTokenizer() throws IOException {
    for (String file : List.of("vocab.json", "merges.txt")) {
      Files.copy(
          TestModels.WEIGHTS.resolve("gpt2-shakespeare").resolve(file), directory.resolve(file));
    }
  }

  private Path writeTorch(int protocol, boolean zip64) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F16, 1);
    copyTokenizer();
    TorchWriter torch = new TorchWriter(protocol);
    List<StoredTensor> stored = ForeignLayouts.gpt2(model, "transformer.", false, true);
    Map<String, Object> top = new LinkedHashMap<>();
    Map<String, Object> modelArgs = new LinkedHashMap<>();
    modelArgs.put("n_layer", 2);
    modelArgs.put("n_head", 2);
    modelArgs.put("n_embd", 12);
    modelArgs.put("n_inner", 20);
    modelArgs.put("block_size", 16);
    modelArgs.put("bias", true);
    modelArgs.put("vocab_size", 1024);
    top.put("model_args", modelArgs);
    top.put("model", torch.stateDict(stored));
    Path file = directory.resolve("ckpt.pt");
    torch.save(file, top, zip64, true);
    return file;
  }

  /** Where the pickle ends, which is at the file's beginning. */
  private static int pickleEnd(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 4; ; i++) {
      if (in.getInt(i) == StoredZip.MAGIC) {
        return i;
      }
    }
  }

  @Test
  @Timeout(600)
  void pickles() throws IOException {
    Path file = writeTorch(2, false);
    mutations.mutate(file, file, pickleEnd(file), 11);
    mutations.requireBothOutcomes();
  }

  @Test
  @Timeout(600)
  void picklesOfProtocol4() throws IOException {
    Path file = writeTorch(4, true);
    mutations.mutate(file, file, pickleEnd(file), 12);
    mutations.requireBothOutcomes();
  }

  /** They are at the files' ends. */
  @Test
  @Timeout(600)
  void centralDirectories() throws IOException {
    Path file = writeTorch(2, true);
    mutations.mutateEnd(file, file, 2600, 13);
    mutations.requireBothOutcomes();
  }

  @Test
  @Timeout(600)
  void filesOfBeforePytorch16() throws IOException {
    Path file = writeTorch(2, false);
    int pickles = pickleEnd(file);
    writeOldTorch(file);
    mutations.mutate(file, file, pickles, 17);
    mutations.requireBothOutcomes();
  }

  private void writeOldTorch(Path file) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F16, 1);
    TorchWriter torch = new TorchWriter(2);
    Map<String, Object> top = new LinkedHashMap<>();
    top.put("args", new TorchWriter.Foreign("argparse", "Namespace", List.of(), Map.of("a", 1)));
    top.put("model", torch.stateDict(ForeignLayouts.gpt2(model, "", true, true)));
    torch.saveOld(file, top, List.of());
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
  }

  @Test
  @Timeout(600)
  void paramsOfMeta() throws IOException {
    ModelConfig config = TestModels.llama(false);
    Checkpoint model = ForeignLayouts.random(config, DType.F32, 1);
    TorchWriter torch = new TorchWriter(2);
    torch.save(
        directory.resolve("consolidated.00.pth"),
        torch.stateDict(ForeignLayouts.meta(model, "")),
        false,
        true);
    Path params = directory.resolve("params.json");
    Files.writeString(
        params,
        "{\"dim\": 24, \"n_heads\": 4, \"n_kv_heads\": 2, \"n_layers\": 2, \"max_seq_len\": 16,"
            + " \"norm_eps\": 1e-05, \"use_scaled_rope\": true, \"vocab_size\": -1}");
    Files.copy(
        TestModels.WEIGHTS.resolve("stories260K/tok512.bin"), directory.resolve("tokenizer.bin"));
    mutations.mutate(directory, params, 0, 18);
    mutations.requireBothOutcomes();
  }

  @Test
  @Timeout(600)
  void settingsOfTokenizers() throws IOException {
    TestModels.writeGpt2(directory, ForeignLayouts.random(TestModels.GPT2, DType.F16, 1));
    Path settings = directory.resolve("tokenizer_config.json");
    Files.writeString(
        settings,
        "{\"add_bos_token\": true, \"bos_token\": {\"content\": \"<|x|>\"}, \"eos_token\": \"qx\","
            + " \"added_tokens_decoder\": {\"1024\": {\"content\": \"<|x|>\", \"special\": true,"
            + " \"normalized\": false}, \"1025\": {\"content\": \"qx\", \"lstrip\": true}}}");
    mutations.mutate(directory, settings, 0, 19);
    mutations.requireBothOutcomes();
  }

  private Path writeLlama() throws IOException {
    ModelConfig config = ForeignLayouts.llama(LinearBias.QKV, false);
    Checkpoint model = ForeignLayouts.random(config, DType.F32, 1);
    Files.writeString(
        directory.resolve("config.json"),
        ForeignLayouts.llamaJson(config)
            .replace(
                "{\"model_type\"",
                "{\"rope_scaling\": {\"factor\": 8.0, \"low_freq_factor\": 1.0,"
                    + " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192,"
                    + " \"rope_type\": \"llama3\"}, \"eos_token_id\": [1, 2], \"model_type\""));
    Files.copy(
        TestModels.WEIGHTS.resolve("stories260K/tok512.bin"), directory.resolve("tokenizer.bin"));
    Map<String, String> weightMap = new LinkedHashMap<>();
    List<StoredTensor> stored = ForeignLayouts.llama(model, "model.");
    for (int shard = 0; shard < 2; shard++) {
      String name = "model-" + shard + ".safetensors";
      List<StoredTensor> part = new ArrayList<>();
      for (int i = shard; i < stored.size(); i += 2) {
        part.add(stored.get(i));
        weightMap.put(stored.get(i).name(), name);
      }
      Files.write(directory.resolve(name), StoredTensor.safetensors(part));
    }
    Files.writeString(
        directory.resolve("model.safetensors.index.json"), StoredTensor.index(weightMap));
    return directory;
  }

  @Test
  @Timeout(600)
  void llamaConfigs() throws IOException {
    Path model = writeLlama();
    mutations.mutate(model, model.resolve("config.json"), 0, 14);
    mutations.requireBothOutcomes();
  }

  @Test
  @Timeout(600)
  void indexes() throws IOException {
    Path model = writeLlama();
    mutations.mutate(model, model.resolve("model.safetensors.index.json"), 0, 15);
    assertThat(mutations.refused()).isPositive();
  }

  @Test
  @Timeout(600)
  void shards() throws IOException {
    Path model = writeLlama();
    mutations.mutate(model, model.resolve("model-1.safetensors"), 2000, 16);
    mutations.requireBothOutcomes();
  }
}
