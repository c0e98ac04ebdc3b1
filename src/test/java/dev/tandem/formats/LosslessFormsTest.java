package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.pytorch.TorchWriter;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelHash;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.runtime.ModelRuntime;
import dev.tandem.runtime.WholeRuntime;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.settings.SamplingOptions;
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

/** The embedded models in other formats give the same ids, and are the same model by its hash. */
class LosslessFormsTest {
  private final Path directory;

  LosslessFormsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static int[] greedy(Checkpoint checkpoint, String prompt) throws Exception {
    try (ModelRuntime model = WholeRuntime.open(checkpoint, EngineSettings.defaults())) {
      int[] ids = model.tokenizer().encodePrompt(prompt, false);
      return model
          .newGenerator(Reply.LOGITS)
          .run(
              GenerationRequest.of(ids)
                  .sampling(SamplingOptions.greedy())
                  .maxTokens(80)
                  .ignoreEos(true),
              TokenSink.NONE)
          .ids();
    }
  }

  private static void assertSameModel(
      String embedded, Path other, OpenOptions options, String prompt) throws Exception {
    try (Checkpoint original = Checkpoints.open(embedded, Optional.empty());
        Checkpoint form = Checkpoints.open(other.toString(), options)) {
      assertThat(ModelHash.of(form.config(), entries(form)))
          .isEqualTo(ModelHash.of(original.config(), entries(original)));
      int[] ids = greedy(original, prompt);
      assertThat(ids).hasSize(80);
      assertThat(greedy(form, prompt)).isEqualTo(ids);
    }
  }

  private static List<ModelHash.Entry> entries(Checkpoint model) throws IOException {
    return ModelHash.entries(model, any -> true, Optional.empty());
  }

  private void assertSameLlama(Path form) throws Exception {
    Path tokenizer = TestModels.WEIGHTS.resolve("stories260K/tok512.bin");
    assertSameModel(
        "stories260K",
        form,
        new OpenOptions(Optional.of(TokenizerFiles.given(tokenizer)), List.of()),
        "Once upon a time, Lily");
  }

  @Test
  void stories260KAsAHuggingFaceLlama() throws Exception {
    try (Checkpoint model = Checkpoints.open("stories260K", Optional.empty())) {
      List<StoredTensor> stored = ForeignLayouts.llama(model, "model.");
      Files.writeString(directory.resolve("config.json"), ForeignLayouts.llamaJson(model.config()));
      Files.write(directory.resolve("model.safetensors"), StoredTensor.safetensors(stored));
      assertSameLlama(directory);

      TorchWriter torch = new TorchWriter(2);
      Path file = directory.resolve("pytorch_model.bin");
      torch.save(file, torch.stateDict(stored), true, true);
      assertSameLlama(file);
      Files.delete(directory.resolve("model.safetensors"));

      Map<String, String> weightMap = new LinkedHashMap<>();
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
      assertSameLlama(directory);
    }
  }

  @Test
  void gpt2ShakespeareInPyTorchFiles() throws Exception {
    Path own = TestModels.WEIGHTS.resolve("gpt2-shakespeare");
    for (String file : List.of("config.json", "vocab.json", "merges.txt")) {
      Files.copy(own.resolve(file), directory.resolve(file));
    }
    try (Checkpoint model = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      Map<String, List<StoredTensor>> forms =
          Map.of(
              "huggingface.bin", ForeignLayouts.gpt2(model, "transformer.", true, true),
              "nanogpt.pt", ForeignLayouts.gpt2(model, "_orig_mod.transformer.", false, true),
              "tutorial.pth", ForeignLayouts.tutorial(model, true));
      for (Map.Entry<String, List<StoredTensor>> form : forms.entrySet()) {
        TorchWriter torch = new TorchWriter(2);
        Path file = directory.resolve(form.getKey());
        torch.save(file, torch.stateDict(form.getValue()), false, true);
        assertSameModel("gpt2-shakespeare", file, OpenOptions.defaults(), "ROMEO:");
      }
    }
  }
}
