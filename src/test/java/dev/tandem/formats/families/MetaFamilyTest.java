package dev.tandem.formats.families;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.huggingface.HuggingFaceLlamaTest;
import dev.tandem.formats.pytorch.TorchWriter;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Llamas by Meta's names: consolidated.00.pth with params.json, and llama2.c's ckpt.pt. */
class MetaFamilyTest {
  private static final String PARAMS =
      "{\"dim\": 24, \"multiple_of\": 4, \"n_heads\": 4, \"n_kv_heads\": 2, \"n_layers\": 2,"
          + " \"norm_eps\": 1e-05, \"vocab_size\": -1, \"max_seq_len\": 16}";

  private final Path directory;

  MetaFamilyTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Checkpoint open(Path path, String... config) throws IOException {
    return Checkpoints.open(path.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private static List<StoredTensor> stored(Checkpoint model, String prefix) throws IOException {
    List<StoredTensor> stored = new ArrayList<>(ForeignLayouts.meta(model, prefix));
    stored.add(new StoredTensor("rope.freqs", DType.F32, List.of(3L), new byte[12]));
    stored.add(new StoredTensor("freqs_cos", DType.F32, List.of(3L), new byte[12]));
    stored.add(
        new StoredTensor("layers.1.attention.mask", DType.F32, List.of(1L, 3L), new byte[12]));
    return stored;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void consolidatedFilesWithTheirParams(boolean old) throws IOException {
    ModelConfig config = TestModels.llama(false);
    Checkpoint model = ForeignLayouts.random(config, DType.BF16, 3);
    TorchWriter torch = new TorchWriter(2);
    Path file = directory.resolve("consolidated.00.pth");
    if (old) {
      torch.saveOld(file, torch.stateDict(stored(model, "")), List.of());
    } else {
      torch.save(file, torch.stateDict(stored(model, "")), false, true);
    }
    Files.writeString(directory.resolve("params.json"), PARAMS);
    Files.copy(
        TestModels.WEIGHTS.resolve("stories260K/tok512.bin"), directory.resolve("tok512.bin"));
    for (Path path : List.of(file, directory)) {
      try (Checkpoint read = open(path)) {
        assertThat(read.format()).isEqualTo("Meta's Llama (PyTorch)");
        assertThat(read.notes()).isEmpty();
        HuggingFaceLlamaTest.assertSame(read, model);
        assertThat(read.tokenizer().vocabSize()).isEqualTo(512);
      }
    }
    Files.write(directory.resolve("consolidated.01.pth"), new byte[4]);
    assertThatThrownBy(() -> open(directory).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("one of several parts", "consolidated.01.pth");
  }

  @Test
  void whatParamsDoNotSayIsAssumedAndSaid() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.llama(false), DType.F32, 3);
    Files.write(
        directory.resolve("consolidated.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.meta(model, "")));
    Path file = directory.resolve("consolidated.safetensors");
    Files.writeString(
        directory.resolve("params.json"), PARAMS.replace(", \"max_seq_len\": 16", ""));
    try (Checkpoint read = open(file)) {
      assertThat(read.config().maxSeq()).isEqualTo(2048);
      assertThat(read.notes()).singleElement().asString().contains("2048 tokens", "max_seq_len");
    }
    Files.delete(directory.resolve("params.json"));
    assertThatThrownBy(() -> open(file).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("no params.json", "n_heads");
    try (Checkpoint read = open(file, "n_heads=4", "n_kv_heads=2", "max_seq_len=16")) {
      HuggingFaceLlamaTest.assertSame(read, model);
    }
  }

  /** Llama 3.1's, whose values params.json leaves to Meta's code. */
  @Test
  void scaledRopeIsWhatHuggingFaceCallsLlama3() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.llama(false), DType.F32, 3);
    Path file =
        Files.write(
            directory.resolve("model.safetensors"),
            StoredTensor.safetensors(ForeignLayouts.meta(model, "")));
    Files.writeString(
        directory.resolve("params.json"),
        PARAMS.replace("{", "{\"use_scaled_rope\": true, \"rope_theta\": 500000.0, "));
    float[] expected = RopeScaling.llama3(500_000, 6, 8, 1, 4, 8192);
    try (Checkpoint read = open(file)) {
      assertThat(read.config().ropeFactors()).isTrue();
      float[] got = new float[3];
      read.tensor("rope_freqs.weight").read(0, 3, got, 0);
      assertThat(got).isEqualTo(expected);
      assertThat(got[2]).isGreaterThan(1);
    }
  }

  /** The trainer of llama2.c keeps its own arguments, and its tokenizer beside other ones. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void llama2cCheckpoints(boolean tied) throws IOException {
    ModelConfig config = TestModels.llama(tied);
    Checkpoint model = ForeignLayouts.random(config, DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    Map<String, Object> weights =
        new LinkedHashMap<>(torch.stateDict(stored(model, "_orig_mod.")).members());
    if (tied) {
      weights.put("_orig_mod.output.weight", weights.get("_orig_mod.tok_embeddings.weight"));
    }
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("dim", 24);
    arguments.put("n_layers", 2);
    arguments.put("n_heads", 4);
    arguments.put("n_kv_heads", 2);
    arguments.put("vocab_size", 512);
    arguments.put("multiple_of", 4);
    arguments.put("max_seq_len", 16);
    arguments.put("dropout", 0.0);
    Path file = directory.resolve("ckpt.pt");
    torch.save(
        file,
        new LinkedHashMap<>(
            Map.of("model", new TorchWriter.StateDict(weights), "model_args", arguments)),
        false,
        true);
    Path stories = TestModels.WEIGHTS.resolve("stories260K/tok512.bin");
    Files.copy(stories, directory.resolve("tokenizer.bin"));
    for (String other : List.of("vocab.json", "merges.txt")) {
      Files.copy(
          TestModels.WEIGHTS.resolve("gpt2-shakespeare").resolve(other), directory.resolve(other));
    }
    try (Checkpoint read = open(file)) {
      HuggingFaceLlamaTest.assertSame(read, model);
      assertThat(read.notes()).isEmpty();
      assertThat(read.tokenizer().kind()).isEqualTo("SentencePiece BPE");
    }
    assertThatThrownBy(() -> open(file, "n_heads=5").close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("n_heads: expected a number that makes even heads");
  }
}
