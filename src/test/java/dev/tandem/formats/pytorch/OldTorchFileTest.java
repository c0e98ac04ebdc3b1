package dev.tandem.formats.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.huggingface.HuggingFaceLlamaTest;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.TensorData.FileRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of before PyTorch 1.6, which are no zip archives. */
class OldTorchFileTest {
  private final Path directory;

  OldTorchFileTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Checkpoint open(Path path) throws IOException {
    return Checkpoints.open(path.toString(), Optional.empty());
  }

  private Path write(Checkpoint model, int protocol) throws IOException {
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    TorchWriter torch = new TorchWriter(protocol);
    List<StoredTensor> stored = ForeignLayouts.gpt2(model, "", true, true);
    Path file = directory.resolve("pytorch_model.bin");
    torch.saveOld(file, torch.stateDict(stored), List.of("3", "0"));
    return file;
  }

  @ParameterizedTest
  @CsvSource({"2, F32", "2, F16", "4, BF16"})
  void areReadWhereTheyLie(int protocol, DType dtype) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, dtype, 3);
    Path file = write(model, protocol);
    for (Path path : List.of(file, directory)) {
      try (Checkpoint read = open(path)) {
        assertThat(read.format()).isEqualTo("Hugging Face GPT-2 (PyTorch)");
        HuggingFaceLlamaTest.assertSame(read, model);
        if (dtype != DType.F32) { // which may lie at an odd address
          assertThat(read.tensor("blk.0.ffn_up.weight").data()).isInstanceOf(FileRegion.class);
        }
      }
    }
  }

  @Test
  void tensorsMayShareAStorage() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    Map<String, Object> members =
        new LinkedHashMap<>(torch.stateDict(ForeignLayouts.gpt2(model, "", true, true)).members());
    members.put("lm_head.weight", members.get("wte.weight"));
    Path file = directory.resolve("old.pt");
    torch.saveOld(file, Map.of("model", new TorchWriter.StateDict(members)), List.of());
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    try (Checkpoint read = open(file)) {
      HuggingFaceLlamaTest.assertSame(read, model);
    }
  }

  /** As Python 2 wrote them: texts of bytes, and a view that is a storage of its own. */
  @Test
  void pickleOfPython2() throws IOException {
    byte[] code =
        "\u0080\u0002(U\u0007storagectorch\nFloatStorage\nT\u0001\u0000\u0000\u00007U\u0003cpuK\u0008(U\u0001vK\u0002K\u0004ttQ."
            .getBytes(StandardCharsets.ISO_8859_1);
    TorchObjects objects = new TorchObjects("file");
    Object storage = Pickle.read("file", ByteBuffer.wrap(code), objects);
    Object view =
        objects.call(
            new Pickle.Symbol("torch._utils._rebuild_tensor"),
            List.of(storage, 1L, List.of(3L), List.of(1L)));
    assertThat(view)
        .isEqualTo(
            new TorchObjects.View(
                new TorchObjects.Storage("torch.FloatStorage", "7", 8),
                3,
                List.of(3L),
                List.of(1L)));
  }

  private void assertMalformed(byte[] content, String... parts) throws IOException {
    Path file = Files.write(directory.resolve("damaged.pt"), content);
    assertThatThrownBy(() -> open(file).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(parts)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  @Test
  void whatIsWrongIsNamed() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F16, 3);
    byte[] valid = Files.readAllBytes(write(model, 2));
    assertMalformed(Arrays.copyOf(valid, 15), "STOP");
    assertMalformed(Arrays.copyOf(valid, valid.length - 1), "storage 0", "is it complete?");
    assertMalformed(Arrays.copyOf(valid, valid.length + 1), "file length", "last storage");
    byte[] version = valid.clone();
    version[18] = 0;
    assertMalformed(version, "version", "1001");
    byte[] bigEndian = valid.clone();
    bigEndian[indexOf(valid, "little_endian") + 13 + 2] = (byte) 0x89;
    assertMalformed(bigEndian, "little_endian");
    int last = valid.length - 1024 * 12 * 2 - 8; // wte is the last storage
    byte[] count = valid.clone();
    ByteBuffer.wrap(count).order(ByteOrder.LITTLE_ENDIAN).putLong(last, 1L << 60);
    assertMalformed(count, "storage 0", "12288 elements", "" + (1L << 60));
    byte[] key = valid.clone();
    int lastKey = lastIndexOf(valid, "X\u0001\u0000\u0000\u00000", last);
    key[lastKey + 5] = '1';
    assertMalformed(key, "the key of each storage, once");
  }

  private static int indexOf(byte[] bytes, String text) {
    return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
  }

  private static int lastIndexOf(byte[] bytes, String text, int before) {
    return new String(bytes, StandardCharsets.ISO_8859_1).lastIndexOf(text, before);
  }

  @Test
  void shardsAreReadToo() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    List<StoredTensor> stored = new ArrayList<>(ForeignLayouts.gpt2(model, "", true, true));
    Collections.reverse(stored);
    Map<String, String> weightMap = new LinkedHashMap<>();
    for (int shard = 0; shard < 2; shard++) {
      String name = "pytorch_model-0000" + (shard + 1) + "-of-00002.bin";
      List<StoredTensor> part = stored.subList(shard * 9, shard == 0 ? 9 : stored.size());
      part.forEach(tensor -> weightMap.put(tensor.name(), name));
      TorchWriter torch = new TorchWriter(2);
      torch.saveOld(directory.resolve(name), torch.stateDict(part), List.of());
    }
    Files.writeString(
        directory.resolve("pytorch_model.bin.index.json"), StoredTensor.index(weightMap));
    try (Checkpoint read = open(directory)) {
      HuggingFaceLlamaTest.assertSame(read, model);
    }
  }
}
