package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.dumps.DumpFiles;
import dev.tandem.formats.dumps.FlatFilesTest;
import dev.tandem.formats.dumps.ModelBinWriter;
import dev.tandem.formats.dumps.NpyWriter;
import dev.tandem.formats.families.RopeScaling;
import dev.tandem.formats.files.ExpandedData;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.gguf.GgufWriter;
import dev.tandem.formats.huggingface.HuggingFaceWriter;
import dev.tandem.formats.huggingface.Safetensors;
import dev.tandem.model.Activation;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelPart;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The writers of formats other than GGUF. */
class ModelWritersTest {
  private static final String TEXT = "To be, or not to be: that's the question.\n\n  Zoë 42";

  private final Path out;

  ModelWritersTest(@TempDir Path directory) {
    this.out = directory.resolve("out");
  }

  /** Configs that differ in all that a Hugging Face config can say. */
  private static ModelConfig llama(LinearBias bias, boolean tied, double theta, boolean factors) {
    return ModelConfig.builder(Architecture.LLAMA)
        .nLayers(2)
        .nHeads(4)
        .nKvHeads(2)
        .headDim(8)
        .dModel(24)
        .dFf(20)
        .vocabSize(512)
        .maxSeq(16)
        .normEps(3e-6f)
        .bias(bias)
        .ropeTheta(theta)
        .ropeFactors(factors)
        .tiedHead(tied)
        .build();
  }

  private static ModelConfig gpt2(boolean tied, Activation activation, int dFf) {
    return ModelConfig.builder(Architecture.GPT2)
        .nLayers(2)
        .nHeads(2)
        .nKvHeads(2)
        .headDim(6)
        .dModel(12)
        .dFf(dFf)
        .vocabSize(1024)
        .maxSeq(16)
        .normEps(1.5e-5f)
        .activation(activation)
        .tiedHead(tied)
        .build();
  }

  static Stream<ModelConfig> huggingFaceConfigs() {
    return Stream.of(
        gpt2(true, Activation.GELU_TANH, 48),
        gpt2(false, Activation.GELU_ERF, 20),
        llama(LinearBias.NONE, true, 10_000, false),
        llama(LinearBias.QKV, false, 1e6, false),
        llama(LinearBias.ATTENTION, false, 500_000.5, false));
  }

  /** With biases and gains that are not all alike, so that a swap is seen. */
  private static Checkpoint model(ModelConfig config, DType dtype) throws IOException {
    Checkpoint random = RandomModels.of("small", config, dtype, 1);
    Map<String, Tensor> tensors = new LinkedHashMap<>(random.tensors());
    for (Tensor tensor : random.tensors().values()) {
      if (tensor.rows() == 1) {
        float[] values = new float[(int) tensor.cols()];
        for (int i = 0; i < values.length; i++) {
          values[i] = (tensor.name().hashCode() % 97 + 3 * i) / 64f;
        }
        tensors.put(tensor.name(), f32(tensor, values));
      }
    }
    return new Checkpoint("small", "test", config, tensors, () -> random.tokenizer(), List.of());
  }

  private static Tensor f32(Tensor tensor, float[] values) {
    ByteBuffer memory = MemoryRegion.allocate(4 * values.length);
    memory.asFloatBuffer().put(values);
    return new Tensor(
        tensor.name(), DType.F32, tensor.rows(), tensor.cols(), false, new MemoryRegion(memory));
  }

  private void write(ModelWriter writer, Checkpoint model, Optional<DType> type)
      throws IOException {
    List<Long> told = new ArrayList<>();
    ConversionProgress progress =
        new ConversionProgress() {
          @Override
          public void begin(long totalBytes) {
            told.add(-totalBytes);
          }

          @Override
          public void advance(String tensor, long bytes) {
            told.add(bytes);
          }
        };
    writer.write(model, TypePlan.of(model, type, writer.types()), out, progress);
    assertThat(told.stream().mapToLong(n -> n).sum()).as("bytes announced and told").isZero();
  }

  private Checkpoint open(String... config) throws IOException {
    return Checkpoints.open(out.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void huggingFaceDirectoriesReadBack(DType dtype) throws IOException {
    for (ModelConfig config : huggingFaceConfigs().toList()) {
      Checkpoint model = model(config, dtype);
      write(new HuggingFaceWriter(), model, Optional.empty());
      try (Checkpoint read = open()) {
        assertThat(read.config()).isEqualTo(config);
        assertThat(read.hash()).isEqualTo(model.hash());
        assertThat(read.tokenizer().encode(TEXT, false))
            .containsExactly(model.tokenizer().encode(TEXT, false));
      }
      deleteOut();
    }
  }

  private void deleteOut() throws IOException {
    try (Stream<Path> files = Files.list(out)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(out);
  }

  /** Against the test's own writer: the same tensors, byte for byte. */
  @Test
  void gpt2TensorsAreLaidOutAsHuggingFaceHasThem() throws IOException {
    Checkpoint model = model(gpt2(false, Activation.GELU_TANH, 20), DType.F16);
    write(new HuggingFaceWriter(), model, Optional.empty());
    Map<String, Safetensors.Entry> ours =
        entries(Files.readAllBytes(out.resolve("model.safetensors")));
    Map<String, Safetensors.Entry> theirs = entries(TestModels.safetensors(model, "transformer."));
    assertThat(ours.keySet()).isEqualTo(theirs.keySet());
    for (Safetensors.Entry expected : theirs.values()) {
      Safetensors.Entry got = Objects.requireNonNull(ours.get(expected.name()));
      assertThat(got.shape()).as(expected.name()).isEqualTo(expected.shape());
      assertThat(got.dtype()).as(expected.name()).isEqualTo(expected.dtype());
      int n = (int) expected.data().bytes();
      assertThat(got.data().slice(0, n)).isEqualTo(expected.data().slice(0, n));
    }
  }

  private static Map<String, Safetensors.Entry> entries(byte[] file) throws IOException {
    ByteBuffer memory = MemoryRegion.allocate(file.length);
    memory.put(0, file);
    return Safetensors.read("file", new MemoryRegion(memory));
  }

  @Test
  void largeModelsAreWrittenInShards() throws IOException {
    Checkpoint model = model(llama(LinearBias.NONE, false, 10_000, false), DType.F32);
    write(new HuggingFaceWriter(30_000), model, Optional.empty());
    try (Stream<Path> files = Files.list(out)) {
      List<String> names = files.map(file -> file.getFileName().toString()).sorted().toList();
      assertThat(names)
          .contains("model-00001-of-00004.safetensors", "model.safetensors.index.json")
          .doesNotContain("model.safetensors");
    }
    try (Checkpoint read = open()) {
      assertThat(read.hash()).isEqualTo(model.hash());
    }
  }

  @Test
  void quantisedModelsAreExpanded() throws IOException {
    for (ModelConfig config :
        List.of(RandomModels.gpt2(2, 2, 64, 1024, 16), TestModels.llama(false))) {
      Checkpoint random = RandomModels.of("small", config, DType.F32, 1);
      Path gguf = out.resolveSibling(config.architecture() + ".gguf");
      ModelWriter writer = new GgufWriter();
      writer.write(
          random,
          TypePlan.of(random, Optional.of(DType.Q8_0), writer.types()),
          gguf,
          ConversionProgress.NONE);
      try (Checkpoint quantised = Checkpoints.open(gguf.toString(), Optional.empty())) {
        write(new HuggingFaceWriter(), quantised, Optional.of(DType.F32));
        try (Checkpoint read = open()) {
          for (Tensor tensor : quantised.tensors().values()) {
            assertThat(DumpFiles.values(read.tensor(tensor.name())))
                .as(tensor.name())
                .isEqualTo(DumpFiles.values(tensor));
          }
        }
        deleteOut();
      }
    }
  }

  @Test
  void quantisedDataIsExpandedWhereverItIsCut() throws IOException {
    Checkpoint random =
        RandomModels.of("small", RandomModels.gpt2(1, 2, 64, 1024, 16), DType.F32, 1);
    Path gguf = out.resolveSibling("small.gguf");
    ModelWriter writer = new GgufWriter();
    writer.write(
        random,
        TypePlan.of(random, Optional.of(DType.Q4_0), writer.types()),
        gguf,
        ConversionProgress.NONE);
    try (Checkpoint quantised = Checkpoints.open(gguf.toString(), Optional.empty())) {
      Tensor tensor = quantised.tensor("blk.0.ffn_up.weight");
      assertThat(tensor.dtype()).isEqualTo(DType.Q4_0);
      byte[] all = DumpFiles.floats(DumpFiles.values(tensor));
      ExpandedData data = new ExpandedData(tensor);
      assertThat(data.bytes()).isEqualTo(all.length);
      for (int from : new int[] {0, 1, 4, 127, 128, 130, 5000, all.length - 9}) {
        for (int length : new int[] {0, 1, 3, 4, 9}) {
          byte[] part = new byte[length];
          data.slice(from, length).get(part);
          assertThat(part).isEqualTo(Arrays.copyOfRange(all, from, from + length));
        }
      }
    }
  }

  @Test
  void ropeFactorsBecomeTheScalingThatGivesThem() throws IOException {
    String llama3 =
        "{\"rope_theta\": 500000.0, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 32,"
            + " \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
            + " \"original_max_position_embeddings\": 8192}}";
    JsonObject json = JsonObject.parse("json", llama3.getBytes(StandardCharsets.US_ASCII));
    for (float[] factors :
        List.of(RopeScaling.of(json, 8).factors(), new float[] {2.5f, 2.5f, 2.5f, 2.5f})) {
      Checkpoint model = withFactors(factors);
      write(new HuggingFaceWriter(), model, Optional.empty());
      try (Checkpoint read = open()) {
        assertThat(read.hash()).isEqualTo(model.hash());
      }
      deleteOut();
    }
    Checkpoint odd = withFactors(new float[] {1, 2, 3, 4});
    assertThatThrownBy(() -> new HuggingFaceWriter().notes(odd))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("rope_freqs.weight: expected factors that");
  }

  /** Of head size 8 and theta 500,000; only the third frequency's wave is between the bounds. */
  @Test
  void ropeFactorsThatLlamaCppRoundedBecomeTheirScaling() throws IOException {
    float wave = (float) (2 * Math.PI) / (1 / (float) Math.sqrt(Math.sqrt(500_000 * 500_000.0)));
    assertThat(wave).isBetween(2048f, 8192f);
    float smooth = (8192f / wave - 1) / 3;
    float between = 1 / ((1 - smooth) / 8 + smooth);
    float[] rounded = {1, 1, between, 8};
    double exact = 8192 / (2 * Math.PI * Math.sqrt(500_000));
    double exactSmooth = (exact - 1) / 3;
    float exactBetween = (float) (1 / ((1 - exactSmooth) / 8 + exactSmooth));
    assertThat(between).isNotEqualTo(exactBetween); // or this would test nothing
    Checkpoint model = withFactors(rounded);
    assertThat(new HuggingFaceWriter().notes(model))
        .anyMatch(note -> note.statement().contains("last digits"));
    write(new HuggingFaceWriter(), model, Optional.empty());
    try (Checkpoint read = open()) {
      float[] factors = new float[4];
      read.tensor("rope_freqs.weight").read(0, 4, factors, 0);
      assertThat(factors).containsExactly(1, 1, exactBetween, 8);
    }
    rounded[2] = between * 1.00001f;
    assertThatThrownBy(() -> new HuggingFaceWriter().notes(withFactors(rounded)))
        .hasMessageContaining("rope_freqs.weight: expected factors that");
  }

  private static Checkpoint withFactors(float[] factors) throws IOException {
    Checkpoint model = model(llama(LinearBias.NONE, true, 500_000, true), DType.F32);
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    tensors.put("rope_freqs.weight", f32(model.tensor("rope_freqs.weight"), factors));
    return new Checkpoint(
        "small", "test", model.config(), tensors, () -> model.tokenizer(), List.of());
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16"})
  void modelBinIsWhatItsExporterWrites(DType dtype) throws IOException {
    Checkpoint model = model(FlatFilesTest.GPT2, dtype);
    ModelWriter writer = new ModelBinWriter();
    write(writer, model, Optional.empty());
    assertThat(Files.readAllBytes(out.resolve("model.bin")))
        .isEqualTo(DumpFiles.modelBin(model, false));
    assertThat(writer.notes(model))
        .hasSize(2)
        .anyMatch(note -> note.toString().contains("set config linear=out_in"))
        .anyMatch(
            note -> note.statement().contains("tokenizer is left out")); // it is no byte-level one
    if (dtype == DType.F32) {
      try (Checkpoint read = open("linear=out_in")) {
        assertThat(read.hash()).isEqualTo(model.hash());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16"})
  void npyEmbeddingsAreWhatNumpyWrites(DType dtype) throws IOException {
    Checkpoint model = model(FlatFilesTest.GPT2, dtype);
    write(new NpyWriter(), model, Optional.empty());
    String descr = dtype == DType.F16 ? "<f2" : "<f4";
    assertThat(Files.readAllBytes(out.resolve("wte.npy")))
        .isEqualTo(
            DumpFiles.npy(
                descr,
                "False",
                "(1024, 12)",
                TestModels.bytes(model.tensor("token_embd.weight"), false)));
    assertThat(Files.readAllBytes(out.resolve("wpe.npy")))
        .isEqualTo(
            DumpFiles.npy(
                descr,
                "False",
                "(16, 12)",
                TestModels.bytes(model.tensor("position_embd.weight"), false)));
    try (Checkpoint read = open()) {
      assertThat(read.config()).isEqualTo(model.config());
      assertThat(read.part()).isEqualTo(new ModelPart(true, Span.layers(0, 0), false));
      assertThat(read.heldTensors())
          .isEqualTo(model.cut(new ModelPart(true, Span.layers(0, 0), false)).heldTensors());
      assertThat(read.tokenizer().encode(TEXT, false))
          .containsExactly(model.tokenizer().encode(TEXT, false));
    }
  }

  @Test
  void modelsThatAFormatCannotHoldAreRefused() throws IOException {
    Checkpoint llama = model(TestModels.llama(true), DType.F32);
    Checkpoint gpt2 = model(FlatFilesTest.GPT2, DType.F32);
    Checkpoint untied = model(gpt2(false, Activation.GELU_TANH, 48), DType.F32);
    Checkpoint narrow = model(gpt2(true, Activation.GELU_TANH, 20), DType.F32);
    Checkpoint erf = model(gpt2(true, Activation.GELU_ERF, 48), DType.F32);
    Checkpoint part = gpt2.cut(new ModelPart(true, Span.layers(0, 1), false));
    for (Checkpoint model : List.of(llama, untied, narrow, part)) {
      assertThatThrownBy(() -> new ModelBinWriter().notes(model))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("expected a whole GPT-2 with a tied head");
    }
    assertThat(new ModelBinWriter().notes(erf))
        .anyMatch(note -> note.statement().contains("erf"))
        .anyMatch(note -> note.statement().contains("1.5E-5"));
    assertThatThrownBy(() -> new NpyWriter().notes(llama))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("expected a GPT-2 with its embedding, got llama");
    assertThat(new NpyWriter().notes(part)).isNotEmpty();
    assertThatThrownBy(() -> new HuggingFaceWriter().notes(part))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("a whole GPT-2 or Llama", "layers 0:1, no head");
    assertThat(ModelWriters.formats()).containsExactly("gguf", "hf", "model-bin", "npy");
  }
}
