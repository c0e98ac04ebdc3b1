package dev.tandem.formats.dumps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Activation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorDigest;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorData.MemoryRegion;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The formats that share the suffix .bin. */
public class FlatFilesTest {
  /** GPT-2 in formats that do not store the width of the feed-forward network: it is 4 * 12. */
  public static final ModelConfig GPT2 = RandomModels.gpt2(2, 2, 12, 1024, 16);

  private static final String[] SHAPE = {
    "n_layer=2", "n_head=2", "n_embd=12", "vocab_size=1024", "n_positions=16"
  };

  private final Path directory;

  FlatFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** Rows that pad a vocabulary have ids, too, but no tokens. */
  @Test
  void builtInTokenizersArePadded() throws IOException {
    Checkpoint model =
        RandomModels.of("padded", RandomModels.gpt2(1, 2, 12, 50304, 16), DType.F32, 1);
    Path file = write("model.bin", DumpFiles.modelBin(model, false));
    try (Checkpoint read = open(file, "linear=in_out")) {
      assertThat(read.tokenizer().vocabSize()).isEqualTo(50304);
      assertThat(read.tokenizer().encode("Hello", false)).containsExactly(15496);
    }
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(directory.resolve(name), bytes);
  }

  private static Checkpoint open(Path path, String... config) throws IOException {
    return Checkpoints.open(path.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private static void assertMalformed(Path path, List<String> config, String... parts) {
    assertThatThrownBy(() -> open(path, config.toArray(String[]::new)).close())
        .isInstanceOf(ModelFormatException.class)
        .message()
        .startsWith(path.toString())
        .contains(parts)
        .doesNotContain("\n");
  }

  private static void assertSame(Checkpoint read, Checkpoint model) throws IOException {
    assertThat(read.config()).isEqualTo(model.config());
    assertThat(read.tensors().keySet()).containsExactlyElementsOf(model.tensors().keySet());
    for (Tensor tensor : model.tensors().values()) {
      assertThat(TensorDigest.of(read.tensor(tensor.name())))
          .as(tensor.name())
          .isEqualTo(TensorDigest.of(tensor));
    }
    assertThat(read.hash()).isEqualTo(model.hash());
  }

  @ParameterizedTest
  @CsvSource({"0, true", "0, false", "1, true", "1, false"})
  void llama2cFilesOfF32ReadBack(int version, boolean tied) throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.llama(tied), DType.F32, 1);
    Path file = write("model.bin", DumpFiles.llama2c(model, version, 0));
    try (Checkpoint read = open(file)) {
      assertThat(read.format()).isEqualTo("llama2.c version " + version);
      assertSame(read, model);
      assertThat(read.tensor("blk.1.attn_k.weight").data()).isInstanceOf(FileRegion.class);
    }
  }

  @ParameterizedTest
  @CsvSource({"8, true", "8, false", "1, true", "96, true", "24, true"})
  void llama2cFilesOfInt8AreDequantised(int groupSize, boolean tied) throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.llama(tied), DType.F32, 1);
    Path file = write("model.bin", DumpFiles.llama2c(model, 2, groupSize));
    try (Checkpoint read = open(file)) {
      assertThat(read.format()).isEqualTo("llama2.c version 2");
      assertThat(read.config()).isEqualTo(model.config());
      for (Tensor tensor : model.tensors().values()) {
        float[] expected = DumpFiles.values(tensor);
        float[] got = DumpFiles.values(read.tensor(tensor.name()));
        if (tensor.rows() == 1) {
          assertThat(got).as(tensor.name()).isEqualTo(expected);
        } else {
          assertThat(got).as(tensor.name()).isEqualTo(roundTrip(expected, groupSize));
        }
      }
    }
  }

  /** What the format keeps of some values, computed apart from the reader. */
  private static float[] roundTrip(float[] values, int groupSize) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    DumpFiles.quantized(out, values, groupSize);
    ByteBuffer stored = ByteBuffer.wrap(out.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
    float[] kept = new float[values.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = stored.get(i) * stored.getFloat(values.length + i / groupSize * 4);
    }
    return kept;
  }

  /** By hand: 3 * 0.5, -4 * 0.5, 127 * -0.25, -128 * -0.25, 1 * 2^-126, 0 * infinity. */
  @Test
  void groupsGiveTheProductsThatTheySay() throws IOException {
    ByteBuffer memory = MemoryRegion.allocate(6 + 12);
    memory.put(new byte[] {3, -4, 127, -128, 1, 0});
    memory.putFloat(0.5f).putFloat(-0.25f).putFloat(Float.MIN_NORMAL);
    TensorData groups = new Int8Groups(new MemoryRegion(memory), 6, 2);
    float[] expected = {1.5f, -2f, -31.75f, 32f, Float.MIN_NORMAL, 0f};
    float[] got = new float[6];
    new Tensor("t", DType.F32, 2, 3, false, groups).read(0, 6, got, 0);
    assertThat(got).isEqualTo(expected);
    assertThat(groups.bytes()).isEqualTo(24);
    byte[] all = DumpFiles.floats(expected);
    for (int from = 0; from <= 24; from++) {
      for (int to = from; to <= 24; to++) {
        byte[] part = new byte[to - from];
        groups.slice(from, to - from).get(part);
        assertThat(part).isEqualTo(Arrays.copyOfRange(all, from, to));
      }
    }
    assertThatThrownBy(() -> groups.slice(20, 5)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @ParameterizedTest
  @CsvSource({"3, 1024", "3, 1152", "5, 1024", "5, 1152"})
  void llmcFilesReadBack(int version, int paddedVocab) throws IOException {
    DType dtype = version == 3 ? DType.F32 : DType.BF16;
    Checkpoint model = RandomModels.of("small", GPT2, dtype, 1);
    Path file = write("gpt2.bin", DumpFiles.llmc(model, version, paddedVocab));
    try (Checkpoint read = open(file)) {
      assertThat(read.format()).isEqualTo("llm.c version " + version);
      assertSame(read, model);
      assertThat(read.tensor("token_embd.weight").dtype()).isEqualTo(dtype);
    }
    try (Checkpoint read = open(file, "activation_function=gelu")) {
      assertThat(read.config().activation()).isEqualTo(Activation.GELU_ERF);
    }
    assertRefused(file, "n_layer=3", "n_layer: expected 2, as the model's file says, got 3");
    assertRefused(file, "n_inner=20", "file length");
    assertRefused(file, "tie_word_embeddings=false", "no separate head");
  }

  /** What is wrong is the config's fault, so its path may come first. */
  private static void assertRefused(Path file, String config, String part) {
    assertThatThrownBy(() -> open(file, config).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(part);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void modelBinReadsBackOnceItsLayoutIsSaid(boolean turned) throws IOException {
    Checkpoint model = RandomModels.of("small", GPT2, DType.F32, 1);
    Path file = write("model.bin", DumpFiles.modelBin(model, turned));
    try (Checkpoint read = open(file, turned ? "linear=in_out" : "linear=out_in");
        Checkpoint folder = open(directory, turned ? "linear=in_out" : "linear=out_in");
        Checkpoint other = open(file, turned ? "linear=out_in" : "linear=in_out")) {
      assertSame(read, model);
      assertSame(folder, model);
      assertThat(other.hash()).isNotEqualTo(model.hash());
    }
    assertMalformed(file, List.of(), "linear=out_in", "linear=in_out", "got nothing");
    assertMalformed(file, List.of("linear=both"), "linear=out_in", "got both");
  }

  @Test
  void headerlessFilesHaveTheStatedShape() throws IOException {
    Checkpoint model = RandomModels.of("small", GPT2, DType.F32, 1);
    Path file = write("weights.bin", DumpFiles.parameters(model, true));
    try (Checkpoint read = open(file, SHAPE)) {
      assertSame(read, model);
      assertThat(read.notes()).isEmpty();
    }
    Files.writeString(directory.resolve("config.json"), configJson());
    try (Checkpoint read = open(file)) {
      assertSame(read, model);
    }
    assertMalformed(file, List.of("n_layer=3"), "headerless GPT-2", "B for the config");
    assertMalformed(file, List.of("n_embd=null"), "n_embd: expected a 32-bit integer, got nothing");
  }

  private static String configJson() {
    return TestModels.configJson(GPT2);
  }

  /** A sparse file: only its length matters. */
  @ParameterizedTest
  @CsvSource({
    "497759232, 12, 12, 768",
    "1419292672, 24, 16, 1024",
    "3096120320, 36, 20, 1280",
    "6230444800, 48, 25, 1600",
    "327650304, 6, 12, 768"
  })
  void headerlessFilesOfKnownLengthAreRecognised(long bytes, int layers, int heads, int width)
      throws IOException {
    Path file = directory.resolve("gpt2.bin");
    try (var sparse = new java.io.RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(bytes);
    }
    try (Checkpoint read = open(file)) {
      assertThat(read.config()).isEqualTo(RandomModels.gpt2(layers, heads, width, 50257, 1024));
      assertThat(read.notes()).hasSize(2);
      assertThat(read.notes().get(0).statement()).contains("is read as that model");
      assertThat(read.notes().get(1).statement()).contains("GPT-2's own tokenizer");
      assertThat(read.tokenizer()).isSameAs(Tokenizers.gpt2());
      assertThat(read.tensorBytes()).isEqualTo(bytes);
      assertThat(read.tensor("blk.0.attn_qkv.weight").transposed()).isTrue();
    }
    try (Checkpoint read = open(file, "layer_norm_epsilon=0.001")) {
      assertThat(read.config().normEps()).isEqualTo(1e-3f);
    }
  }

  @Test
  void unknownFilesListWhatWasTried() throws IOException {
    assertMalformed(
        write("a.bin", new byte[1000]),
        List.of(),
        "not in a known .bin format",
        "not llama2.c (dim: expected a positive integer, got 0)",
        "not llm.c (magic",
        "not model.bin + vocab.bin (",
        "not headerless GPT-2 (");
    assertMalformed(write("b.bin", new byte[0]), List.of(), "file length");
  }

  @Test
  void laterLlama2cHeadersAreChecked() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.llama(true), DType.F32, 1);
    byte[] one = DumpFiles.llama2c(model, 1, 0);
    byte[] two = DumpFiles.llama2c(model, 2, 8);
    malformed(one, 4, 3, "llama2.c version: expected 0, 1 or 2, got 3");
    malformed(one, 4, 0, "llama2.c version");
    malformed(one, 8, 0, "dim: expected a positive integer");
    malformed(one, 8, 48, "file length");
    malformed(one, 20, 5, "n_heads: expected a divisor of dim 24, got 5");
    malformed(one, 24, 3, "nKvHeads");
    malformed(one, 28, -512, "vocabSize");
    malformed(one, 36, 2, "shared_classifier: expected 0 or 1, got 2");
    malformed(one, 36, 0, "file length"); // not tied, but without a head
    malformed(one, 40, 1 << 24, "header byte 43: expected 0");
    malformed(two, 37, 0, "group_size: expected a divisor");
    malformed(two, 37, -8, "group_size");
    malformed(two, 37, 7, "group_size");
    malformed(two, 37, 4, "file length");
    malformed(two, 41, 1, "header byte 41");
    assertMalformed(write("short.bin", Arrays.copyOf(two, 255)), List.of(), "256 B of header");
    assertMalformed(write("cut.bin", Arrays.copyOf(two, two.length - 1)), List.of(), "file length");
    assertMalformed(
        write("long.bin", Arrays.copyOf(two, two.length + 1)), List.of(), "file length");
  }

  @Test
  void llmcHeadersAreChecked() throws IOException {
    Checkpoint model = RandomModels.of("small", GPT2, DType.F32, 1);
    byte[] valid = DumpFiles.llmc(model, 3, 1152);
    malformed(valid, 4, 1, "llm.c version: expected 3 (f32) or 5 (bf16)", "got 1");
    malformed(valid, 4, 5, "file length");
    malformed(valid, 8, 0, "header: maxSeq");
    malformed(valid, 12, 0, "header: vocabSize");
    malformed(valid, 16, -1, "header: nLayers");
    malformed(valid, 20, 5, "n_head: expected a divisor of n_embd 12");
    malformed(valid, 24, 0, "n_embd: expected a positive integer");
    malformed(valid, 28, 1023, "padded vocabulary: expected at least 1024, got 1023");
    malformed(valid, 28, Integer.MAX_VALUE, "file length");
    assertMalformed(write("short.bin", Arrays.copyOf(valid, 1023)), List.of(), "1024 B of header");
  }

  private void malformed(byte[] valid, int at, int value, String... parts) throws IOException {
    byte[] bytes = valid.clone();
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
    assertMalformed(write("damaged.bin", bytes), List.of(), parts);
  }

  @ParameterizedTest
  @CsvSource({"0x67676d6c, ggml", "0x67676d66, ggmf", "0x67676a74, ggjt"})
  void oldGgmlFilesAreRefused(String magic, String name) throws IOException {
    for (String file : List.of("ggml-model-f16.bin", "model.ggml")) {
      byte[] bytes = Arrays.copyOf(DumpFiles.ints(Integer.decode(magic)), 100);
      assertMalformed(write(file, bytes), List.of(), "an old " + name + " file", "GGUF");
    }
  }
}
