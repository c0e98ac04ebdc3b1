package dev.tandem.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.TokenizerFiles;
import dev.tandem.model.Activation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the reader takes from valid files, all built by {@link GgufBytes}. */
class GgufReaderTest {
  private final Path file;

  GgufReaderTest(@TempDir Path directory) {
    file = directory.resolve("model.gguf");
  }

  /** As in the format's specification. */
  private static int number(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q4_1 -> 3;
      case Q5_0 -> 6;
      case Q5_1 -> 7;
      case Q8_0 -> 8;
      case Q4_K -> 12;
      case Q5_K -> 13;
      case Q6_K -> 14;
      case IQ4_NL -> 20;
      case BF16 -> 30;
    };
  }

  private Checkpoint open(GgufBytes gguf) throws IOException {
    Files.write(file, gguf.build());
    return Checkpoints.open(file.toString(), Optional.empty());
  }

  private static void assertSame(Checkpoint expected, Checkpoint actual) throws IOException {
    assertThat(actual.config()).isEqualTo(expected.config());
    assertThat(List.copyOf(actual.tensors().keySet()))
        .isEqualTo(List.copyOf(expected.tensors().keySet()));
    for (Tensor tensor : expected.tensors().values()) {
      Tensor read = actual.tensor(tensor.name());
      assertThat(read.dtype()).isEqualTo(tensor.dtype());
      assertThat(TestModels.bytes(read, false)).isEqualTo(TestModels.bytes(tensor, false));
    }
    assertThat(actual.hash().hex()).isEqualTo(expected.hash().hex());
  }

  @ParameterizedTest
  @CsvSource({"2, 32", "3, 32", "3, 8", "3, 64", "3, 4096"})
  void bothVersionsAndAnyAlignment(int version, int alignment) throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    GgufBytes gguf = GgufModels.keys(model.config());
    gguf.version = version;
    gguf.alignment = alignment;
    if (alignment != 32) {
      gguf.u32("general.alignment", alignment);
    }
    for (Tensor tensor : model.tensors().values()) {
      GgufModels.add(gguf, tensor);
    }
    try (Checkpoint read = open(gguf)) {
      assertSame(model, read);
      assertThat(read.format()).isEqualTo("GGUF");
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyTypeOfBlock(DType dtype) throws IOException {
    Random random = new Random(number(dtype));
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F32, 1);
    GgufBytes gguf = GgufModels.of(model);
    String name = "blk.1.ffn_down.weight";
    byte[] blocks = new byte[(int) dtype.bytes(256 * 256)];
    random.nextBytes(blocks);
    gguf.tensor(name, number(dtype), blocks, 256, 256);
    ByteBuffer memory = MemoryRegion.allocate(blocks.length).put(0, blocks);
    Tensor expected = new Tensor(name, dtype, 256, 256, false, new MemoryRegion(memory));
    try (Checkpoint read = open(gguf)) {
      Tensor tensor = read.tensor(name);
      assertThat(tensor.dtype()).isEqualTo(dtype);
      float[] want = new float[256 * 256];
      float[] got = new float[256 * 256];
      expected.read(0, want.length, want, 0);
      tensor.read(0, got.length, got, 0);
      // Which NaN comes of two depends on how the JVM compiled the sum.
      for (int i = 0; i < want.length; i++) {
        assertThat(Float.floatToIntBits(got[i]))
            .as("%s, element %d", dtype, i)
            .isEqualTo(Float.floatToIntBits(want[i]));
      }
    }
  }

  @Test
  void gpt2() throws IOException {
    Checkpoint model = RandomModels.of("m", TestModels.GPT2, DType.F32, 3);
    try (Checkpoint read = open(GgufModels.of(model))) {
      assertSame(model, read);
      assertThat(read.config().activation()).isEqualTo(Activation.GELU_TANH);
    }
  }

  @ParameterizedTest
  @CsvSource({"NONE,false,true,64", "QKV,true,false,64", "ATTENTION,true,true,32"})
  void biasesFactorsHeadsAndTying(LinearBias bias, boolean factors, boolean tied, int headDim)
      throws IOException {
    ModelConfig config = GgufModels.llama(bias, factors, tied, headDim);
    Checkpoint model = RandomModels.of("m", config, DType.BF16, 4);
    try (Checkpoint read = open(GgufModels.of(model))) {
      assertSame(model, read);
    }
  }

  /** Values of all types, some nested; none of them means anything to the reader. */
  @Test
  void valuesOfAllTypesArePassedOver() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    GgufBytes gguf = GgufModels.of(model);
    int[] sizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    for (int type = 0; type < sizes.length; type++) {
      if (sizes[type] > 0) {
        byte[] one = GgufBytes.number(1, sizes[type]);
        gguf.key("x.scalar" + type, type, one);
        gguf.key("x.array" + type, GgufBytes.ARRAY, GgufBytes.array(type, List.of(one, one, one)));
        gguf.key("x.empty" + type, GgufBytes.ARRAY, GgufBytes.array(type, List.of()));
      }
    }
    byte[] inner = GgufBytes.array(GgufBytes.STRING, List.of(GgufBytes.string("a")));
    byte[] nested = GgufBytes.array(GgufBytes.ARRAY, List.of(inner, inner));
    gguf.key("x.nested", GgufBytes.ARRAY, GgufBytes.array(GgufBytes.ARRAY, List.of(nested)));
    gguf.text("x.text", "\u20ac".repeat(40_000)); // longer than what is read at a time
    try (Checkpoint read = open(gguf)) {
      assertSame(model, read);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {GgufBytes.U8, GgufBytes.I8, GgufBytes.U16, GgufBytes.I16, GgufBytes.I64})
  void wholeNumbersOfAnyType(int type) throws IOException {
    int bytes = type == GgufBytes.I64 ? 8 : type >= GgufBytes.U16 ? 2 : 1;
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    GgufBytes gguf =
        GgufModels.of(model).key("llama.context_length", type, GgufBytes.number(16, bytes));
    try (Checkpoint read = open(gguf)) {
      assertThat(read.config().maxSeq()).isEqualTo(16);
    }
  }

  @Test
  void linearScalingDividesAllFrequencies() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    GgufBytes gguf =
        GgufModels.of(model)
            .text("llama.rope.scaling.type", "linear")
            .f32("llama.rope.scaling.factor", 4);
    float[] factors = new float[32];
    try (Checkpoint read = open(gguf)) {
      assertThat(read.config().ropeFactors()).isTrue();
      read.tensor("rope_freqs.weight").read(0, 32, factors, 0);
      assertThat(factors).containsOnly(4f);
    }
    byte[] stored = new byte[128];
    for (int i = 0; i < 32; i++) {
      System.arraycopy(GgufBytes.number(Float.floatToIntBits(i + 1), 4), 0, stored, 4 * i, 4);
    }
    gguf.without("llama.rope.scaling.type").tensor("rope_freqs.weight", 0, stored, 32);
    try (Checkpoint read = open(gguf)) {
      read.tensor("rope_freqs.weight").read(0, 32, factors, 0);
      assertThat(factors).startsWith(4, 8, 12).endsWith(128);
    }
    gguf.text("llama.rope.scaling.type", "none");
    try (Checkpoint read = open(gguf)) {
      read.tensor("rope_freqs.weight").read(0, 32, factors, 0);
      assertThat(factors).startsWith(1, 2, 3).endsWith(32);
    }
  }

  @Test
  void whatSaysThatAFeatureIsOffIsNoError() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    GgufBytes gguf =
        GgufModels.of(model)
            .u32("llama.expert_count", 0)
            .u32("llama.attention.sliding_window", 16)
            .f32("llama.logit_scale", 1)
            .flag("llama.attention.causal", true)
            .u32("llama.rope.dimension_count", 64)
            .u32("llama.vocab_size", 512)
            .text("general.type", "model")
            .tensor("blk.0.attn_rot_embd.weight", 0, new byte[128], 32);
    try (Checkpoint read = open(gguf)) {
      assertSame(model, read);
    }
  }

  @Test
  void ourOwnKeysSayWhatTheCommonOnesCannot() throws IOException {
    Checkpoint model = RandomModels.of("m", TestModels.GPT2, DType.F32, 3);
    try (Checkpoint read = open(GgufModels.of(model).text("tandem.activation", "gelu_erf"))) {
      assertThat(read.config().activation()).isEqualTo(Activation.GELU_ERF);
    }
    Checkpoint llama = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    byte[] theta = GgufBytes.number(Double.doubleToRawLongBits(10_000.1), 8);
    GgufBytes gguf = GgufModels.of(llama).key("tandem.rope.freq_base", GgufBytes.F64, theta);
    try (Checkpoint read = open(gguf)) {
      assertThat(read.config().ropeTheta()).isEqualTo(10_000.1);
    }
  }

  @Test
  void theTokenizerIsReadWhenItIsAskedFor() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    GgufBytes gguf = GgufModels.of(model);
    try (Checkpoint read = open(gguf)) {
      assertThat(read.tokenizer().encodePrompt("ab", false)).containsExactly(1, 259, 260, 261);
      assertThat(read.tokenizer().decode(259, 260, 261)).isEqualTo("ab");
      assertThat(TokenizerFiles.open(file.toString()).encode("ab", false))
          .containsExactly(259, 260, 261);
    }
    try (Checkpoint read = open(gguf.without("tokenizer.ggml.model"))) {
      assertThatThrownBy(read::tokenizer)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContainingAll("model.gguf", "no tokenizer", "set tokenizer PATH");
    }
    try (Checkpoint read = open(GgufModels.addTokens(GgufModels.of(model), 500))) {
      assertThat(read.tokenizer().vocabSize()).isEqualTo(512);
      assertThat(read.tokenizer().hasText(500)).isFalse();
    }
  }

  /** Recognised by its first bytes, whatever its name. */
  @Test
  void anyName() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
    Path other = file.resolveSibling("model.bin");
    Files.write(other, GgufModels.of(model).build());
    try (Checkpoint read = Checkpoints.open(other.toString(), Optional.empty())) {
      assertSame(model, read);
    }
  }
}
