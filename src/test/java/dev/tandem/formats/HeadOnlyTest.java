package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.gguf.GgufBytes;
import dev.tandem.formats.gguf.GgufModels;
import dev.tandem.formats.huggingface.HuggingFaceLlamaTest;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A tied matrix that is stored only under the head's name is the token embedding too. */
class HeadOnlyTest {
  private final Path directory;

  HeadOnlyTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Checkpoint open(Path path, String... config) throws IOException {
    return Checkpoints.open(path.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private static List<StoredTensor> renamed(List<StoredTensor> stored, String from, String to) {
    assertThat(stored).anyMatch(tensor -> tensor.name().equals(from));
    return stored.stream().map(t -> t.name().equals(from) ? t.named(to) : t).toList();
  }

  private void writeSafetensors(List<StoredTensor> stored) throws IOException {
    Files.write(directory.resolve("model.safetensors"), StoredTensor.safetensors(stored));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void gpt2(boolean withConfig) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 5);
    writeSafetensors(
        renamed(ForeignLayouts.gpt2(model, "", true, true), "wte.weight", "lm_head.weight"));
    if (withConfig) {
      Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    }
    try (Checkpoint read = open(directory, withConfig ? "n_head=2" : "n_heads=2")) {
      HuggingFaceLlamaTest.assertSame(read, model);
    }
    if (withConfig) {
      assertThatThrownBy(() -> open(directory, "tie_word_embeddings=false").close())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("wte.weight");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "null"})
  void llama(String tied) throws IOException {
    ModelConfig config = ForeignLayouts.llama(LinearBias.NONE, true);
    Checkpoint model = ForeignLayouts.random(config, DType.F32, 5);
    writeSafetensors(
        renamed(
            ForeignLayouts.llama(model, "model."), "model.embed_tokens.weight", "lm_head.weight"));
    Files.writeString(
        directory.resolve("config.json"),
        ForeignLayouts.llamaJson(config)
            .replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": " + tied));
    try (Checkpoint read = open(directory)) {
      HuggingFaceLlamaTest.assertSame(read, model);
      assertThat(read.notes()).hasSize(tied.equals("true") ? 0 : 1);
    }
  }

  @Test
  void tutorialAndMetaNames() throws IOException {
    Checkpoint gpt2 = ForeignLayouts.random(TestModels.GPT2, DType.F32, 5);
    writeSafetensors(
        renamed(ForeignLayouts.tutorial(gpt2, true), "tok_emb.weight", "out_head.weight"));
    try (Checkpoint read = open(directory, "n_heads=2", "n_inner=20")) {
      HuggingFaceLlamaTest.assertSame(read, gpt2);
    }
    Checkpoint llama = ForeignLayouts.random(TestModels.llama(true), DType.F32, 5);
    writeSafetensors(
        renamed(ForeignLayouts.meta(llama, ""), "tok_embeddings.weight", "output.weight"));
    try (Checkpoint read = open(directory, "n_heads=4", "n_kv_heads=2", "max_seq_len=16")) {
      HuggingFaceLlamaTest.assertSame(read, llama);
    }
  }

  @Test
  void gguf() throws IOException {
    for (ModelConfig config : List.of(TestModels.llama(true), TestModels.GPT2)) {
      Checkpoint model = ForeignLayouts.random(config, DType.F32, 5);
      GgufBytes gguf = GgufModels.addTokens(GgufModels.keys(config), config.vocabSize());
      for (StoredTensor tensor : stored(model)) {
        boolean vector = tensor.shape().size() == 1;
        long rows = vector ? 1 : tensor.shape().get(0);
        long cols = tensor.shape().get(vector ? 0 : 1);
        gguf.tensor(
            tensor.name(), 0, tensor.bytes(), vector ? new long[] {cols} : new long[] {cols, rows});
      }
      Path file = Files.write(directory.resolve("model.gguf"), gguf.build());
      try (Checkpoint read = open(file)) {
        HuggingFaceLlamaTest.assertSame(read, model);
        assertThat(read.config().tiedHead()).isTrue();
      }
    }
  }

  /** By our names, but for the embedding. */
  private static List<StoredTensor> stored(Checkpoint model) throws IOException {
    List<StoredTensor> stored = new ArrayList<>();
    for (Tensor tensor : model.tensors().values()) {
      List<Long> shape =
          tensor.rows() == 1 ? List.of(tensor.cols()) : List.of(tensor.rows(), tensor.cols());
      String name = tensor.name().equals("token_embd.weight") ? "output.weight" : tensor.name();
      stored.add(new StoredTensor(name, tensor.dtype(), shape, TestModels.bytes(tensor, false)));
    }
    return stored;
  }
}
