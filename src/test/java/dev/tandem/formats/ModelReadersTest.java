package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.model.Activation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ConfigChange;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorDigest;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.FileRegion;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelReadersTest {
  private static final int HEADER_INTS = 7;

  private final Path directory;

  ModelReadersTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Checkpoint open(Path path) throws IOException {
    return Checkpoints.open(path.toString(), Optional.empty());
  }

  private static void assertMalformed(Path path, String... parts) {
    assertThatThrownBy(() -> open(path).close())
        .isInstanceOf(ModelFormatException.class)
        .message()
        .contains(parts)
        .doesNotContain("\n");
  }

  private Path writeGpt2() throws IOException {
    return TestModels.writeGpt2(
        directory.resolve("gpt2"), RandomModels.of("small", TestModels.GPT2, DType.F32, 1));
  }

  private static void replace(Path file, String what, String with) throws IOException {
    // ISO 8859-1 maps bytes to characters one to one
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    assertThat(text).contains(what);
    Files.writeString(file, text.replace(what, with), StandardCharsets.ISO_8859_1);
  }

  /** Rewrites a safetensors file with another header over the same data. */
  private static void replaceInHeader(Path file, String what, String with) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int n = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(bytes, 8, n, StandardCharsets.UTF_8);
    assertThat(header).contains(what);
    Files.write(
        file,
        TestModels.safetensors(
            header.replace(what, with), Arrays.copyOfRange(bytes, 8 + n, bytes.length)));
  }

  @ParameterizedTest
  @CsvSource({"F32, ''", "F16, transformer.", "BF16, transformer."})
  void huggingFaceFilesReadBack(DType dtype, String prefix) throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, dtype, 1);
    Path written = TestModels.writeGpt2(directory.resolve("gpt2"), model);
    Path weights = written.resolve("model.safetensors");
    Files.write(weights, TestModels.safetensors(model, prefix));
    try (Checkpoint read = open(written);
        Checkpoint byFile = open(weights)) {
      assertThat(read.name()).isEqualTo("gpt2");
      assertThat(byFile.name()).isEqualTo("model.safetensors");
      assertThat(read.config()).isEqualTo(model.config()).isEqualTo(byFile.config());
      assertThat(read.tensors().keySet()).containsExactlyElementsOf(model.tensors().keySet());
      assertThat(read.tokenizer().vocabSize()).isEqualTo(1024);
      assertThat(read.tokenizer()).isSameAs(read.tokenizer());
      Tensor up = read.tensor("blk.1.ffn_up.weight");
      assertThat(up.transposed()).isTrue();
      assertThat(up.data()).isInstanceOf(FileRegion.class);
      for (Tensor tensor : model.tensors().values()) {
        assertThat(TensorDigest.of(read.tensor(tensor.name()))).isEqualTo(TensorDigest.of(tensor));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void llama2cFilesReadBack(boolean tiedHead) throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.llama(tiedHead), DType.F32, 1);
    Path written = TestModels.writeLlama(directory.resolve("llama"), model);
    try (Checkpoint read = open(written)) {
      assertThat(read.config()).isEqualTo(model.config());
      assertThat(read.find("output.weight").isPresent()).isEqualTo(!tiedHead);
      assertThat(read.tokenizer().vocabSize()).isEqualTo(512);
      for (Tensor tensor : model.tensors().values()) {
        assertThat(TestModels.bytes(read.tensor(tensor.name()), false))
            .isEqualTo(TestModels.bytes(tensor, false));
      }
    }
  }

  @Test
  void whatIsNotThereIsSaid() throws IOException {
    assertThatThrownBy(() -> Checkpoints.open("no-such-model", Optional.empty()))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageContainingAll("'no-such-model'", "gpt2-shakespeare, stories260K", "no file");
    assertThatThrownBy(() -> Checkpoints.open("a\0b", Optional.empty()))
        .isInstanceOf(FileNotFoundException.class);
    assertMalformed(directory, "not a known model", "config.json", "llama2.c");
    assertMalformed(Files.createFile(directory.resolve("model.onnx")), "not a known model");
    assertMalformed(Files.createFile(directory.resolve("a.safetensors")), "file length");
    assertMalformed(Files.createFile(directory.resolve("a.bin")), "file length");
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    assertThatThrownBy(() -> open(directory))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContainingAll("model.safetensors", "no such file");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"gelu_new\"|\"relu\"|activation_function",
        "\"n_layer\": 2|\"n_layer\": 2, \"scale_attn_weights\": false|scale_attn_weights",
        "\"n_layer\": 2|\"n_layer\": 2, \"scale_attn_by_inverse_layer_idx\": true|inverse_layer",
        "\"n_layer\": 2|\"n_layer\": 2, \"reorder_and_upcast_attn\": 1|reorder_and_upcast",
        "\"n_layer\": 2|\"n_layer\": 2, \"add_cross_attention\": true|add_cross_attention",
        "\"n_layer\": 2|\"n_layer\": 2, \"quantization_config\": {\"bits\": 4}|quantization_config",
        "\"n_layer\": 2|\"n_layer\": 2, \"pruned_heads\": {\"0\": [1]}|pruned_heads",
        "\"gpt2\"|\"llama\"|model_type",
        "\"n_layer\": 2|\"n_layer\": -2|nLayers",
        "\"n_layer\": 2|\"n_layer\": 2000000000|nLayers",
        "\"n_layer\": 2|\"n_layer\": 99999999999999999999|n_layer",
        "\"n_layer\": 2|\"n_layer\": \"2\"|n_layer",
        "\"n_layer\": 2|\"n_layer\": null|n_layer: expected a 32-bit integer, got nothing",
        "\"n_layer\": 2|\"n_layer\": 2, \"n_layer\": 2|Duplicate",
        "\"n_layer\": 2|\"n_layer\": 3|h.2.ln_1.weight",
        "\"n_layer\": 2|\"n_layer\": 1|h.1.",
        "\"n_head\": 2|\"n_head\": 5|n_head",
        "\"n_head\": 2|\"n_head\": 0|n_head",
        "\"n_embd\": 12|\"n_embd\": -12|n_embd",
        "\"n_embd\": 12|\"n_embd\": 2000000000|headDim",
        "\"n_inner\": 20|\"n_inner\": null|shape [12, 48], got [12, 20]",
        "\"vocab_size\": 1024|\"vocab_size\": 1023|shape [1023, 12], got [1024, 12]",
        "\"n_positions\": 16|\"n_positions\": 0|maxSeq",
        "1.0E-5|\"x\"|layer_norm_epsilon",
        "1.0E-5|1e400|normEps",
        "\"tie_word_embeddings\": true|\"tie_word_embeddings\": false|lm_head.weight",
      })
  void configsThatAreWrongOrNotSupportedAreNamed(String what, String with, String named)
      throws IOException {
    Path written = writeGpt2();
    replace(written.resolve("config.json"), what, with);
    assertMalformed(written, named);
  }

  @Test
  void configsThatAreSupportedAreHonoured() throws IOException {
    Path written = writeGpt2();
    Path config = written.resolve("config.json");
    replace(config, "\"gelu_new\"", "\"gelu\"");
    replace(config, "1.0E-5", "2e-6");
    try (Checkpoint read = open(written)) {
      assertThat(read.config().activation()).isEqualTo(Activation.GELU_ERF);
      assertThat(read.config().normEps()).isEqualTo(2e-6f);
    }
    replace(config, "\"n_layer\"", "\"eos_token_id\": 7, \"pruned_heads\": {}, \"n_layer\"");
    try (Checkpoint read = open(written)) {
      assertThat(read.tokenizer().stopIds()).containsExactly(7);
    }
    replace(config, "\"eos_token_id\": 7", "\"eos_token_id\": 1024");
    try (Checkpoint read = open(written)) {
      assertThat(read.tokenizer().stopIds()).isEmpty();
      assertThat(read.notes()).singleElement().asString().contains("token 1024 ends no text");
    }
  }

  @Test
  void anUntiedHeadIsReadAndMasksAreSkipped() throws IOException {
    ModelConfig untied = ConfigChange.with(TestModels.GPT2, "tiedHead", false);
    Checkpoint model = RandomModels.of("small", untied, DType.F16, 1);
    Path written = TestModels.writeGpt2(directory.resolve("gpt2"), model);
    Path weights = written.resolve("model.safetensors");
    int dataBytes = (int) model.tensorBytes();
    Files.write(weights, Arrays.copyOf(Files.readAllBytes(weights), (int) Files.size(weights) + 5));
    replaceInHeader(
        weights,
        "{\"__metadata__\"",
        String.format(
            "{\"h.1.attn.bias\": {\"dtype\": \"BOOL\", \"shape\": [1, 1, 5, 1],"
                + " \"data_offsets\": [%d, %d]}, \"__metadata__\"",
            dataBytes, dataBytes + 5));
    try (Checkpoint read = open(written)) {
      Tensor head = read.tensor("output.weight");
      assertThat(head.transposed()).isFalse();
      assertThat(TensorDigest.of(head)).isEqualTo(TensorDigest.of(model.tensor("output.weight")));
      assertThat(read.parameterCount()).isEqualTo(model.parameterCount());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "wte.weight|wte_weight|wte.weight: expected a tensor of shape [1024, 12], got none",
        "\"wpe.weight\"|\"wte.weight\"|Duplicate",
        "\"wpe.weight\"|\"transformer.wte.weight\"|wte.weight: expected one such tensor, got two",
        "\"wpe.weight\": {|\"wpe.weight\": {\"dtype\": \"F32\", |Duplicate",
        "\"shape\": [1024, 12]|\"shape\": [12, 1024]|shape [1024, 12], got [12, 1024]",
        "\"shape\": [1024, 12]|\"shape\": [1024, 13]|wte.weight: expected 53248 B",
        "\"shape\": [1024, 12]|\"shape\": [4294967296, 4294967296]|a shape within 64 bits",
        "\"shape\": [1024, 12]|\"shape\": [-1024, -12]|integers of at least 0",
        "\"shape\": [1024, 12]|\"shape\": [1,1,1,1,1,1,1,1,1]|at most 8",
        "[0, 49152]|[0, 49151]|B for F32 [1024, 12]",
        "[0, 49152]|[49152, 0]|offsets within",
        "[0, 49152]|[0, 9000000000000000000]|offsets within",
        "[0, 49152]|[0, 90000000000000000000]|malformed JSON",
        "[0, 49152]|[0, 49152, 49152]|at most 2",
        "[0, 49152]|[0]|two data_offsets",
        "[0, 49152]|\"0\"|an array",
        "[0, 49152]|[1, 49153]|begins where the one before ends",
        "\"dtype\": \"F32\"|\"dtype\": \"F64\"|B for F64",
        "\"dtype\": \"F32\"|\"dtype\": \"I32\"|type F32, F16 or BF16, got I32",
        "\"dtype\": \"F32\"|\"dtype\": \"Q9\"|a safetensors type, got Q9",
        "\"dtype\": \"F32\"|\"dtypes\": \"F32\"|dtypes",
        "\"wpe.weight\": {|\"wpe.weight\": 3, \"x\": {|wpe.weight: expected an object",
        "{\"__metadata__\"|[\"__metadata__\"|not a JSON object",
      })
  void safetensorsHeadersThatAreWrongAreNamed(String what, String with, String named)
      throws IOException {
    Path written = writeGpt2();
    replaceInHeader(written.resolve("model.safetensors"), what, with);
    assertMalformed(written, named);
  }

  @Test
  void safetensorsLengthsAreChecked() throws IOException {
    Path written = writeGpt2();
    Path weights = written.resolve("model.safetensors");
    byte[] valid = Files.readAllBytes(weights);
    for (long n :
        new long[] {0, 1, -1, Long.MIN_VALUE, valid.length - 7L, 100_000_001L, 1L << 40}) {
      byte[] bytes = valid.clone();
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(n);
      Files.write(weights, bytes);
      assertMalformed(written, "header length", Long.toUnsignedString(n));
    }
    Files.write(weights, Arrays.copyOf(valid, valid.length - 1));
    assertMalformed(written, "offsets within");
    Files.write(weights, Arrays.copyOf(valid, valid.length + 1));
    assertMalformed(written, "data length");
    Files.write(weights, new byte[7]);
    assertMalformed(written, "file length");
  }

  @Test
  void hostileNamesStayOnOneShortLine() throws IOException {
    Path written = writeGpt2();
    replaceInHeader(
        written.resolve("model.safetensors"),
        "wte.weight",
        "\\n\\u001b[31m\\u2028" + "x".repeat(10_000));
    assertThatThrownBy(() -> open(written).close())
        .isInstanceOf(ModelFormatException.class)
        .message()
        .hasSizeLessThan(1000)
        .doesNotContain("\n", "\u001b", "\u2028");
  }

  @Test
  void llama2cHeadersAreChecked() throws IOException {
    Path written =
        TestModels.writeLlama(
            directory.resolve("llama"),
            RandomModels.of("small", TestModels.llama(true), DType.F32, 1));
    byte[] valid = Files.readAllBytes(written);
    for (int field = 0; field < HEADER_INTS; field++) {
      int was = ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN).getInt(4 * field);
      for (int value :
          new int[] {
            0, -1, -was, was + 1, was - 1, Integer.MAX_VALUE, Integer.MIN_VALUE, 1 << 20
          }) {
        byte[] bytes = valid.clone();
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(4 * field, value);
        Files.write(written, bytes);
        assertMalformed(written, written.getFileName().toString());
      }
    }
    Files.write(written, Arrays.copyOf(valid, valid.length + 4));
    assertMalformed(written, "file length: expected " + valid.length + " B");
    byte[] version3 = valid.clone();
    ByteBuffer.wrap(version3).order(ByteOrder.LITTLE_ENDIAN).putInt(0x616b3432).putInt(3);
    Files.write(written, version3);
    assertMalformed(written, "llama2.c version: expected 0", "got 3");
  }

  @Test
  void tokenizersThatDoNotFitAreNoted() throws IOException {
    Path llama =
        TestModels.writeLlama(
            directory.resolve("llama"),
            RandomModels.of("small", TestModels.llama(true), DType.F32, 1));
    Path gpt2 = writeGpt2();
    Path tok512 = llama.resolveSibling("tok512.bin");
    assertNoted(gpt2, tok512, "the tokenizer has 512 tokens, the model 1024");
    assertNoted(gpt2, Path.of("gpt2"), "has 50257 tokens, the model 1024", "is it this model's");
    assertNoted(llama, gpt2, "the tokenizer has 1024 tokens, the model 512");
    Files.delete(tok512);
    try (Checkpoint model = open(llama)) {
      assertThatThrownBy(model::tokenizer)
          .isInstanceOf(NoSuchFileException.class)
          .hasMessageContaining("tokenizer.bin");
    }
  }

  private static void assertNoted(Path model, Path tokenizer, String... parts) throws IOException {
    try (Checkpoint read = Checkpoints.open(model.toString(), Optional.of(tokenizer))) {
      assertThat(read.tokenizer().notes()).singleElement().asString().contains(parts);
    }
  }

  @Test
  void tokenizersOpenWithoutAModel() throws IOException {
    Path files = TestModels.WEIGHTS.resolve("gpt2-shakespeare");
    assertThat(TokenizerFiles.open("gpt2").vocabSize()).isEqualTo(50257);
    for (String name :
        new String[] {
          "gpt2-shakespeare", files + "", files + "/vocab.json", files + "/merges.txt"
        }) {
      assertThat(TokenizerFiles.open(name).vocabSize()).isEqualTo(1024);
    }
    Path tok512 = TestModels.WEIGHTS.resolve("stories260K/tok512.bin");
    assertThat(TokenizerFiles.open(tok512.toString()).vocabSize()).isEqualTo(512);
    assertThat(TokenizerFiles.open("stories260K").vocabSize()).isEqualTo(512);
    Files.copy(tok512, directory.resolve("tokenizer.bin"));
    assertThat(TokenizerFiles.open(directory.toString()).vocabSize()).isEqualTo(512);
    assertThatThrownBy(() -> TokenizerFiles.open("nothing"))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageContaining("no tokenizer 'nothing'");
    assertThatThrownBy(() -> TokenizerFiles.open(TestModels.WEIGHTS.toString()))
        .isInstanceOf(ModelFormatException.class);
    assertThatThrownBy(() -> TokenizerFiles.open(TestModels.WEIGHTS + "/README.md"))
        .isInstanceOf(ModelFormatException.class);
  }
}
