package dev.tandem.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Activation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ConfigChange;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelHash;
import dev.tandem.model.TensorRows;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.BlockEncoder;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorData.MemoryRegion;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written is read again to the bit, and the hash's list is believed only if it fits. */
class GgufWriterTest {
  private static final Optional<DType> KEEP = Optional.empty();

  private final Path directory;

  GgufWriterTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private Path write(Checkpoint model, Optional<DType> type) throws IOException {
    Path out = directory.resolve("out" + System.nanoTime() + ".gguf");
    GgufWriter writer = new GgufWriter();
    writer.write(model, TypePlan.of(model, type, writer.types()), out, ConversionProgress.NONE);
    return out;
  }

  private static Checkpoint open(Path path) throws IOException {
    return Checkpoints.open(path.toString(), Optional.empty());
  }

  private static float[] values(Tensor tensor) throws IOException {
    float[] all = new float[(int) tensor.elements()];
    int[] at = {0};
    TensorRows.forEach(
        tensor,
        (values, rows) -> {
          int n = (int) (rows * tensor.cols());
          System.arraycopy(values, 0, all, at[0], n);
          at[0] += n;
        });
    assertThat(at[0]).isEqualTo(all.length);
    return all;
  }

  private static List<ModelConfig> configs() {
    ModelConfig erf = ConfigChange.with(TestModels.GPT2, "activation", Activation.GELU_ERF);
    return List.of(
        TestModels.GPT2,
        erf,
        TestModels.llama(true),
        TestModels.llama(false),
        GgufModels.llama(LinearBias.QKV, true, false, 32),
        GgufModels.llama(LinearBias.ATTENTION, false, true, 64),
        ConfigChange.with(GgufModels.llama(), "ropeTheta", 12_345.678_9));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F16", "BF16"})
  void aConvertedModelIsTheSameModel(DType dtype) throws IOException {
    for (ModelConfig config : configs()) {
      Checkpoint model = RandomModels.of("m", config, dtype, 1);
      try (Checkpoint read = open(write(model, KEEP));
          Checkpoint named = open(write(model, Optional.of(dtype)))) {
        for (Checkpoint converted : List.of(read, named)) {
          assertThat(converted.config()).isEqualTo(config);
          assertThat(List.copyOf(converted.tensors().keySet()))
              .isEqualTo(List.copyOf(model.tensors().keySet()));
          for (Tensor tensor : model.tensors().values()) {
            assertThat(values(converted.tensor(tensor.name()))).isEqualTo(values(tensor));
          }
          assertThat(converted.statedDigests()).hasSameSizeAs(model.tensors());
          assertThat(converted.hash().hex()).isEqualTo(model.hash().hex());
          assertThat(ModelHash.entries(withoutList(converted), name -> true, Optional.empty()))
              .isEqualTo(model.hash().entries());
        }
      }
    }
  }

  /** The same tensors without what their file states of them. */
  private static Checkpoint withoutList(Checkpoint c) {
    return new Checkpoint(c.name(), c.format(), c.config(), c.tensors(), c::tokenizer, List.of());
  }

  /** Every tensor transposed in memory: it is the same model, and turned back in the file. */
  @Test
  void transposedTensorsAreTurned() throws IOException {
    for (DType dtype : List.of(DType.F32, DType.F16)) {
      Checkpoint model = RandomModels.of("m", TestModels.GPT2, dtype, 5);
      Map<String, Tensor> turned = new LinkedHashMap<>();
      for (Tensor t : model.tensors().values()) {
        boolean linear = t.rows() > 1 && t.name().startsWith("blk.");
        byte[] bytes = TestModels.bytes(t, linear);
        MemoryRegion data = new MemoryRegion(MemoryRegion.allocate(bytes.length).put(0, bytes));
        turned.put(t.name(), new Tensor(t.name(), dtype, t.rows(), t.cols(), linear, data));
      }
      Checkpoint stored =
          new Checkpoint("t", "", model.config(), turned, model::tokenizer, List.of());
      for (Optional<DType> type : List.of(KEEP, Optional.of(DType.F32))) {
        try (Checkpoint read = open(write(stored, type))) {
          for (Tensor t : model.tensors().values()) {
            assertThat(values(read.tensor(t.name()))).as(t.name()).isEqualTo(values(t));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q8_0", "Q4_0"})
  void quantisedRowsAreThoseOfTheEncoder(DType dtype) throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F32, 6);
    try (Checkpoint read = open(write(model, Optional.of(dtype)))) {
      Tensor source = model.tensor("blk.1.attn_k.weight");
      Tensor written = read.tensor("blk.1.attn_k.weight");
      float[] values = values(source);
      ByteBuffer expected = ByteBuffer.allocate((int) dtype.bytes(values.length));
      BlockEncoder.encode(dtype, values, 0, values.length, expected);
      assertThat(TestModels.bytes(written, false)).isEqualTo(expected.array());
      assertThat(written.dtype()).isEqualTo(dtype);
      assertThat(read.tensor("token_embd.weight").dtype()).isEqualTo(DType.Q8_0);
      assertThat(read.tensor("output_norm.weight").dtype()).isEqualTo(DType.F32);
      assertThat(read.hash().entries())
          .isEqualTo(ModelHash.entries(withoutList(read), name -> true, Optional.empty()));
    }
  }

  /** Types that nothing here encodes are copied as they are. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL"})
  void otherTypesAreKept(DType dtype) throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F32, 7);
    byte[] blocks = new byte[(int) dtype.bytes(256 * 256)];
    new Random(7).nextBytes(blocks);
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    String name = "blk.0.ffn_up.weight";
    MemoryRegion data = new MemoryRegion(MemoryRegion.allocate(blocks.length).put(0, blocks));
    tensors.put(name, new Tensor(name, dtype, 256, 256, false, data));
    Checkpoint mixed =
        new Checkpoint("m", "", model.config(), tensors, model::tokenizer, List.of());
    try (Checkpoint read = open(write(mixed, KEEP))) {
      assertThat(read.tensor(name).dtype()).isEqualTo(dtype);
      assertThat(TestModels.bytes(read.tensor(name), false)).isEqualTo(blocks);
    }
  }

  @Test
  void aValueThatTheTypeCannotHoldIsAnError() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F32, 8);
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    String name = "blk.0.ffn_up.weight";
    ByteBuffer memory = MemoryRegion.allocate(4 * 256 * 256);
    memory.putFloat(400, 70_000);
    tensors.put(name, new Tensor(name, DType.F32, 256, 256, false, new MemoryRegion(memory)));
    Checkpoint large =
        new Checkpoint("m", "", model.config(), tensors, model::tokenizer, List.of());
    assertThatThrownBy(() -> write(large, Optional.of(DType.F16)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(name, "70000", "f32");
  }

  @Test
  void notesSayWhatLlamaCppWouldDoOtherwise() throws IOException {
    GgufWriter writer = new GgufWriter();
    ModelConfig erf = ConfigChange.with(TestModels.GPT2, "activation", Activation.GELU_ERF);
    assertThat(writer.notes(RandomModels.of("m", erf, DType.F32, 1)).toString())
        .contains("gelu_tanh", "gelu_erf");
    assertThat(writer.notes(RandomModels.of("m", GgufModels.llama(), DType.F32, 1)).toString())
        .doesNotContain("silu", "RoPE");
    ModelConfig theta = ConfigChange.with(GgufModels.llama(), "ropeTheta", 12_345.678_9);
    assertThat(writer.notes(RandomModels.of("m", theta, DType.F32, 1)).toString())
        .contains("12345.6789");
  }

  /** The digests are those of the tensors, or none: whatever else the file says. */
  @ParameterizedTest
  @ValueSource(strings = {"a weight", "a digest's form", "a name", "a type", "the version"})
  void aListThatDoesNotFitIsNotBelieved(String changed) throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 9);
    Path out = write(model, KEEP);
    byte[] bytes = Files.readAllBytes(out);
    switch (changed) {
      case "a weight" -> bytes[bytes.length - 1] ^= 1; // the sample has every tensor's last bytes
      case "a digest's form" -> bytes[find(bytes, "tandem.hash.sha256") + 18 + 16 + 8] = 'G';
      case "a name" -> bytes[find(bytes, "tandem.hash.names") + 17 + 16 + 8] = 'x';
      case "a type" -> bytes[find(bytes, "tandem.hash.types") + 17 + 16 + 8] = 'X';
      default -> bytes[find(bytes, "tandem.hash.version") + 19 + 4] = 2;
    }
    Files.write(out, bytes);
    try (Checkpoint read = open(out)) {
      assertThat(read.statedDigests()).isEmpty();
      assertThat(read.hash().entries())
          .isEqualTo(ModelHash.entries(withoutList(read), name -> true, Optional.empty()));
    }
  }

  private static int find(byte[] bytes, String text) {
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
    assertThat(at).isPositive();
    return at;
  }

  /** A digest that lies in a list that fits is believed: only a peer can tell, and does. */
  @Test
  void aLyingDigestMakesAnotherModel() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F16, 9);
    Path out = write(model, KEEP);
    byte[] bytes = Files.readAllBytes(out);
    int digit = find(bytes, "tandem.hash.sha256") + 18 + 16 + 8;
    bytes[digit] = (byte) (bytes[digit] == '0' ? '1' : '0');
    Files.write(out, bytes);
    try (Checkpoint read = open(out)) {
      assertThat(read.hash().hex()).isNotEqualTo(model.hash().hex());
      assertThat(model.hash().firstDifference(read.hash().entries())).isPresent();
    }
  }

  @Test
  void progressIsTheBytesWritten() throws IOException {
    Checkpoint model = RandomModels.of("m", GgufModels.llama(), DType.F32, 1);
    GgufWriter writer = new GgufWriter();
    TypePlan plan = TypePlan.of(model, Optional.of(DType.Q8_0), writer.types());
    List<Long> totals = new ArrayList<>();
    long[] sum = {0};
    writer.write(
        model,
        plan,
        directory.resolve("p.gguf"),
        new ConversionProgress() {
          @Override
          public void begin(long totalBytes) {
            totals.add(totalBytes);
          }

          @Override
          public void advance(String tensor, long bytes) {
            sum[0] += bytes;
          }
        });
    assertThat(totals).containsExactly(plan.bytes());
    assertThat(sum[0]).isEqualTo(plan.bytes());
    assertThat(Files.size(directory.resolve("p.gguf"))).isGreaterThan(plan.bytes());
  }

  @Test
  void thePlanOfTypes() throws IOException {
    Checkpoint gpt2 = RandomModels.of("m", TestModels.GPT2, DType.BF16, 1); // rows of 12 and 20
    TypePlan q8 = TypePlan.of(gpt2, Optional.of(DType.Q8_0), EnumSet.allOf(DType.class));
    assertThat(q8.type("token_embd.weight")).isEqualTo(DType.F16);
    assertThat(q8.type("position_embd.weight")).isEqualTo(DType.BF16);
    assertThat(q8.type("blk.0.ffn_down.weight")).isEqualTo(DType.F16);
    assertThat(q8.type("blk.0.ffn_down.bias")).isEqualTo(DType.F32);
    Checkpoint llama = RandomModels.of("m", GgufModels.llama(), DType.F32, 1);
    TypePlan q4 = TypePlan.of(llama, Optional.of(DType.Q4_0), EnumSet.allOf(DType.class));
    assertThat(q4.type("token_embd.weight")).isEqualTo(DType.Q8_0);
    assertThat(q4.type("blk.0.ffn_down.weight")).isEqualTo(DType.Q4_0);
    TypePlan narrow = TypePlan.of(gpt2, KEEP, EnumSet.of(DType.F32));
    assertThat(narrow.choices()).allMatch(choice -> choice.type() == DType.F32);
    assertThatThrownBy(() -> TypePlan.of(gpt2, Optional.of(DType.F16), EnumSet.of(DType.F32)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("f32", "f16");
  }

  /** The header says where everything is as llama.cpp wants it: aligned, and without holes. */
  @Test
  void tensorsFollowEachOtherAligned() throws IOException {
    Checkpoint model = RandomModels.of("m", TestModels.GPT2, DType.F16, 1);
    Path out = write(model, KEEP);
    ByteBuffer head = ByteBuffer.wrap(Files.readAllBytes(out)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(head.getInt()).isEqualTo(0x46554747);
    assertThat(head.getInt()).isEqualTo(3);
    assertThat(head.getLong()).isEqualTo(model.tensors().size() + 1); // the head's copy
    try (Checkpoint read = open(out)) {
      long end = -1;
      for (Tensor tensor : read.tensors().values()) {
        long offset = ((FileRegion) tensor.data()).offset();
        assertThat(offset % 32).isZero();
        if (end >= 0) {
          assertThat(offset).isEqualTo((end + 31) / 32 * 32);
        }
        end = offset + tensor.bytes();
      }
      long copy = (read.tensor("token_embd.weight").bytes() + 31) / 32 * 32;
      assertThat(Files.size(out)).isEqualTo((end + 31) / 32 * 32 + copy);
    }
  }

  /** Many versions of llama.cpp load no GPT-2 without a head, so a tied one is written, too. */
  @Test
  void aTiedHeadIsCopiedAndKnownAsACopy() throws IOException {
    Checkpoint model = RandomModels.of("m", TestModels.GPT2, DType.F16, 1);
    Path out = write(model, Optional.of(DType.F16));
    byte[] file = Files.readAllBytes(out);
    int bytes = (int) model.tensor("token_embd.weight").bytes();
    byte[] head = Arrays.copyOfRange(file, file.length - (bytes + 31) / 32 * 32, file.length);
    byte[] embedding = new byte[bytes];
    model.tensor("token_embd.weight").data().slice(0, bytes).get(embedding);
    assertThat(Arrays.copyOf(head, bytes)).isEqualTo(embedding);
    try (Checkpoint read = open(out)) {
      assertThat(read.config()).isEqualTo(model.config());
      assertThat(read.tensors()).doesNotContainKey("output.weight");
    }

    // Who changes one of the two has a model whose head is its own.
    file[file.length - head.length] ^= 1;
    Path changed = Files.write(directory.resolve("changed.gguf"), file);
    try (Checkpoint read = open(changed)) {
      assertThat(read.config().tiedHead()).isFalse();
      assertThat(values(read.tensor("output.weight")))
          .isNotEqualTo(values(read.tensor("token_embd.weight")));
    }
  }
}
