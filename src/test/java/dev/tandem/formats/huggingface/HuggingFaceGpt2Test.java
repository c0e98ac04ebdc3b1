package dev.tandem.formats.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Activation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.HashCache;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** GPT-2s in safetensors besides the usual one, which ModelReadersTest has. */
class HuggingFaceGpt2Test {
  private final Path directory;

  HuggingFaceGpt2Test(@TempDir Path directory) {
    this.directory = directory;
  }

  private Checkpoint open(String... config) throws IOException {
    return Checkpoints.open(
        directory.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private static void assertSame(Checkpoint read, Checkpoint model) throws IOException {
    HuggingFaceLlamaTest.assertSame(read, model);
  }

  @Test
  void shardsWithMasksAsDistilGpt2HasThem() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 5);
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    List<StoredTensor> stored =
        new ArrayList<>(ForeignLayouts.gpt2(model, "transformer.", true, true));
    stored.add(
        new StoredTensor(
            "transformer.h.1.attn.bias", DType.F32, List.of(1L, 1L, 2L, 2L), new byte[16]));
    Map<String, String> weightMap = new LinkedHashMap<>();
    for (int shard = 0; shard < 2; shard++) {
      String name = "model-0000" + (shard + 1) + "-of-00002.safetensors";
      List<StoredTensor> part = new ArrayList<>();
      for (int i = shard; i < stored.size(); i += 2) {
        part.add(stored.get(i));
        weightMap.put(stored.get(i).name(), name);
      }
      Files.write(directory.resolve(name), StoredTensor.safetensors(part));
    }
    Files.writeString(
        directory.resolve("model.safetensors.index.json"), StoredTensor.index(weightMap));
    try (Checkpoint read = open()) {
      assertThat(read.format()).isEqualTo("Hugging Face GPT-2 (safetensors)");
      assertSame(read, model);
    }
  }

  /** It asks for the same sums in f32, which is what is computed here anyway. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void reorderedAttentionIsTheSame(boolean reorder) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 5);
    Files.write(
        directory.resolve("model.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.gpt2(model, "", true, true)));
    Files.writeString(
        directory.resolve("config.json"),
        TestModels.configJson(TestModels.GPT2)
            .replace("{", "{\"reorder_and_upcast_attn\": " + reorder + ", "));
    try (Checkpoint read = open()) {
      assertSame(read, model);
      assertThat(read.notes()).isEmpty();
    }
  }

  /** Shards alone do not say what they hold; the message names those that lie there. */
  @ParameterizedTest
  @CsvSource({
    "model, safetensors, true", "model, safetensors, false",
    "pytorch_model, bin, true", "pytorch_model, bin, false"
  })
  void shardsWithoutAnIndexAreNamed(String stem, String suffix, boolean config) throws IOException {
    if (config) {
      Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    }
    String first = stem + "-00001-of-00002." + suffix;
    String second = stem + "-00002-of-00002." + suffix;
    for (String name : List.of(first, second)) {
      Files.write(directory.resolve(name), new byte[] {'P', 'K', 3, 4, 0}); // as a zip begins
    }
    String index = directory.resolve(stem + "." + suffix + ".index.json").toString();
    for (Path path : List.of(directory, directory.resolve(first))) {
      assertThatThrownBy(() -> Checkpoints.open(path.toString(), Optional.empty()).close())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageStartingWith(index + ": missing")
          .hasMessageContaining(first + ", " + second);
    }
  }

  /** A shard that is named stands for its model; one of one is the whole model. */
  @Test
  void aShardMayBeNamedInPlaceOfItsIndex() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 5);
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    List<StoredTensor> stored = ForeignLayouts.gpt2(model, "", true, true);
    Path only =
        Files.write(
            directory.resolve("model-00001-of-00001.safetensors"),
            StoredTensor.safetensors(stored));
    try (Checkpoint read = Checkpoints.open(only.toString(), Optional.empty())) {
      assertSame(read, model);
    }
    String name = "model-00002-of-00002.safetensors";
    Path shard = Files.move(only, directory.resolve(name));
    Map<String, String> weightMap = new LinkedHashMap<>();
    stored.forEach(tensor -> weightMap.put(tensor.name(), name));
    Files.writeString(
        directory.resolve("model.safetensors.index.json"), StoredTensor.index(weightMap));
    try (Checkpoint read = Checkpoints.open(shard.toString(), Optional.empty())) {
      assertSame(read, model);
    }
  }

  @Test
  void nanoGptsOrientationIsSeen() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F16, 5);
    Files.write(
        directory.resolve("model.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.gpt2(model, "transformer.", false, true)));
    try (Checkpoint read = open("n_head=2", "activation_function=gelu_new")) {
      assertThat(read.format()).isEqualTo("nanoGPT (safetensors)");
      assertSame(read, model);
      assertThat(read.tensor("blk.0.attn_qkv.weight").transposed()).isFalse();
    }
    try (Checkpoint read = open("n_head=2")) {
      assertThat(read.config().activation()).isEqualTo(Activation.GELU_ERF);
      assertThat(read.notes()).hasSize(1);
    }
    // a Hugging Face config over such weights: its own default
    Files.writeString(
        directory.resolve("config.json"),
        TestModels.configJson(TestModels.GPT2)
            .replace("\"activation_function\": \"gelu_new\",", ""));
    try (Checkpoint read = open()) {
      assertSame(read, model);
      assertThat(read.notes()).isEmpty();
    }
  }

  /** The core refuses f32 at odd addresses, which a header of odd length leads to. */
  @Test
  void f32AtOddAddressesIsCopied() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 5);
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    byte[] file = StoredTensor.safetensors(ForeignLayouts.gpt2(model, "", true, true));
    for (int pad = 0; pad < 4; pad++) {
      int header = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
      byte[] padded = new byte[file.length + pad];
      System.arraycopy(file, 0, padded, 0, 8 + header);
      Arrays.fill(padded, 8 + header, 8 + header + pad, (byte) ' ');
      System.arraycopy(file, 8 + header, padded, 8 + header + pad, file.length - 8 - header);
      ByteBuffer.wrap(padded).order(ByteOrder.LITTLE_ENDIAN).putLong(header + pad);
      Files.write(directory.resolve("model.safetensors"), padded);
      try (Checkpoint read = open()) {
        assertSame(read, model);
        boolean inPlace = HashCache.files(read.tensors().values()).size() == 1;
        assertThat(inPlace).as("pad %d", pad).isEqualTo((8 + header + pad) % 4 == 0);
      }
    }
  }

  @Test
  void withoutAConfigTheHeadsMustBeSaidUnless64Divides() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 5);
    Files.write(
        directory.resolve("model.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.gpt2(model, "", true, true)));
    assertThatThrownBy(() -> open().close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(
            "n_head: expected the number of heads, got nothing; set config n_head=NUMBER");
    try (Checkpoint read = open("n_head=2")) {
      assertSame(read, model);
    }
  }
}
