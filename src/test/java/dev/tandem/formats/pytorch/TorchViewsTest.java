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
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.FileRegion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PyTorch tensors that are views of storages: shared, cut out, transposed, and beyond them. */
class TorchViewsTest {
  private final Path directory;

  TorchViewsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private Path file() {
    return directory.resolve("ckpt.pt");
  }

  private static Checkpoint open(Path path) throws IOException {
    return Checkpoints.open(path.toString(), Optional.empty());
  }

  private static void assertMalformed(Path path, String... parts) {
    assertThatThrownBy(() -> open(path).close())
        .isInstanceOf(ModelFormatException.class)
        .message()
        .contains(parts);
  }

  /** A state_dict with one tensor replaced by a view of what a test stores. */
  private interface Replacement {
    TorchWriter.View of(TorchWriter torch, StoredTensor stored);
  }

  private Checkpoint writeWith(String name, Replacement replacement) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    TorchWriter torch = new TorchWriter(2);
    List<StoredTensor> stored = ForeignLayouts.gpt2(model, "", true, true);
    Map<String, Object> members = new LinkedHashMap<>(torch.stateDict(stored).members());
    for (StoredTensor tensor : stored) {
      if (tensor.name().equals(name)) {
        members.put(name, replacement.of(torch, tensor));
      }
    }
    torch.save(file(), new TorchWriter.StateDict(members), true, true);
    return model;
  }

  /** The elements of a matrix placed by strides in a storage of so many elements. */
  private static byte[] spread(StoredTensor t, int elements, int offset, long rs, long cs) {
    byte[] bytes = new byte[4 * elements];
    int cols = t.shape().get(t.shape().size() - 1).intValue();
    for (int i = 0; i < t.bytes().length / 4; i++) {
      int at = (int) (offset + i / cols * rs + i % cols * cs);
      System.arraycopy(t.bytes(), 4 * i, bytes, 4 * at, 4);
    }
    return bytes;
  }

  @ParameterizedTest
  @CsvSource({
    "h.0.mlp.c_fc.weight, 240, 0, 1, 12", // a transposed one
    "h.0.mlp.c_fc.weight, 247, 7, 20, 1", // behind others in a shared storage
    "h.0.mlp.c_fc.weight, 400, 3, 25, 1", // cut out of a wider one
    "h.0.mlp.c_fc.weight, 1000, 0, 2, 30", // every second row of a transposed one
    "wte.weight, 12288, 0, 1, 1024", // an embedding is looked up by rows
    "h.1.ln_2.bias, 36, 2, 0, 3",
  })
  void viewsOfStoragesReadBack(String name, int elements, int offset, long rs, long cs)
      throws IOException {
    Checkpoint model =
        writeWith(
            name,
            (torch, stored) ->
                new TorchWriter.View(
                    torch.storage(spread(stored, elements, offset, rs, cs)),
                    DType.F32,
                    offset,
                    stored.shape(),
                    stored.shape().size() == 1 ? List.of(cs) : List.of(rs, cs)));
    try (Checkpoint read = open(file())) {
      HuggingFaceLlamaTest.assertSame(read, model);
    }
  }

  @Test
  void aTransposedMatrixStaysWhereItIs() throws IOException {
    writeWith(
        "h.0.mlp.c_fc.weight",
        (torch, stored) ->
            new TorchWriter.View(
                torch.storage(spread(stored, 240, 0, 1, 12)),
                DType.F32,
                0,
                stored.shape(),
                List.of(1L, 12L)));
    try (Checkpoint read = open(file())) {
      Tensor up = read.tensor("blk.0.ffn_up.weight");
      assertThat(up.transposed()).isFalse(); // [in, out], and that transposed
      assertThat(up.data()).isInstanceOf(FileRegion.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "240, 1, 20, 1", // one element too far
    "239, 0, 20, 1",
    "240, 0, 21, 1",
    "240, 0, 9000000000000000000, 1",
    "100, 0, 0, 1", // more elements than there are
  })
  void viewsBeyondTheirStorageAreRefused(int elements, long offset, long rs, long cs)
      throws IOException {
    writeWith(
        "h.0.mlp.c_fc.weight",
        (torch, stored) ->
            new TorchWriter.View(
                torch.storage(new byte[4 * elements]),
                DType.F32,
                offset,
                stored.shape(),
                List.of(rs, cs)));
    assertMalformed(
        file(), "h.0.mlp.c_fc.weight: expected a part of its storage of " + elements + " elements");
  }

  @Test
  void storagesMustBeThere() throws IOException {
    writeWith(
        "wpe.weight",
        (torch, stored) ->
            new TorchWriter.View("gone", DType.F32, 0, stored.shape(), List.of(12L, 1L)));
    assertMalformed(file(), "archive/data/gone: expected an entry of the archive, got none");
    writeWith(
        "wpe.weight",
        (torch, stored) ->
            new TorchWriter.View(
                "../../config.json", DType.F32, 0, stored.shape(), List.of(1L, 1L)));
    assertMalformed(file(), "expected an entry of the archive, got none");
  }
}
