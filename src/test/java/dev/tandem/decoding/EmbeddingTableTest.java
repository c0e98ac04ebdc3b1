package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EmbeddingTableTest {
  private static final int[] IDS = {7, 0, 1023, 7, 512};

  private final Path directory;

  EmbeddingTableTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static float[] lookup(Checkpoint model, int[] ids, int from, int to, int position)
      throws IOException {
    EmbeddingTable table = EmbeddingTable.of(model);
    int floats = (to - from) * table.dModel();
    FloatBuffer out =
        ByteBuffer.allocateDirect(4 * (floats + 3)).order(ByteOrder.nativeOrder()).asFloatBuffer();
    table.lookup(ids, from, to, position, out, 2);
    assertThat(out.position()).isZero();
    float[] all = new float[floats + 3];
    out.get(all);
    assertThat(new float[] {all[0], all[1], all[floats + 2]}).containsOnly(0);
    return Arrays.copyOfRange(all, 2, floats + 2);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void rowsAreTheSumOfTokenAndPosition(DType dtype) throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, dtype, 3);
    Path written = TestModels.writeGpt2(directory.resolve("gpt2"), model);
    float[] tokens = new float[1024 * 12];
    float[] positions = new float[16 * 12];
    model.tensor("token_embd.weight").read(0, tokens.length, tokens, 0);
    model.tensor("position_embd.weight").read(0, positions.length, positions, 0);
    float[] expected = new float[3 * 12];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = tokens[IDS[1 + i / 12] * 12 + i % 12] + positions[(9 + i / 12) * 12 + i % 12];
    }
    assertThat(lookup(model, IDS, 1, 4, 9)).isEqualTo(expected);
    try (Checkpoint fromFile = Checkpoints.open(written.toString(), Optional.empty())) {
      assertThat(lookup(fromFile, IDS, 1, 4, 9)).isEqualTo(expected);
    }
    // the comparison can fail
    assertThat(lookup(model, IDS, 1, 4, 10)).isNotEqualTo(expected);
    assertThat(lookup(model, IDS, 2, 5, 9)).isNotEqualTo(expected);
  }

  @Test
  void llamaHasNoPositionRows() throws IOException {
    ModelConfig config = TestModels.llama(true);
    Checkpoint model = RandomModels.of("small", config, DType.F32, 4);
    assertThat(lookup(model, new int[] {5}, 0, 1, 0))
        .isEqualTo(lookup(model, new int[] {5}, 0, 1, 9));
  }

  @Test
  void idsPositionsAndRangesAreChecked() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, DType.F16, 5);
    for (int id : new int[] {-1, 1024, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertThatThrownBy(() -> lookup(model, new int[] {1, id}, 0, 2, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("token id " + id + " is not in 0..1023");
    }
    assertThatThrownBy(() -> lookup(model, IDS, 0, 5, 12))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> lookup(model, IDS, 0, 5, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> lookup(model, IDS, 3, 6, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(
            () -> EmbeddingTable.of(model).lookup(IDS, 0, 5, 0, FloatBuffer.allocate(5 * 12), 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void aFileThatShrankIsAnError() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, DType.F32, 6);
    Path written = TestModels.writeGpt2(directory.resolve("gpt2"), model);
    try (Checkpoint fromFile = Checkpoints.open(written.toString(), Optional.empty());
        RandomAccessFile file =
            new RandomAccessFile(written.resolve("model.safetensors").toFile(), "rw")) {
      assertThat(Files.size(written.resolve("model.safetensors"))).isGreaterThan(5000);
      file.setLength(5000);
      assertThatThrownBy(() -> lookup(fromFile, new int[] {1000}, 0, 1, 0))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("shorter than when it was opened");
    }
  }
}
