package dev.tandem.formats.dumps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the linear layers of a {@code model.bin} are stored, which nothing in it says. */
class LinearOrderTest {
  private final Path directory;

  LinearOrderTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private Checkpoint open(String... config) throws IOException {
    return Checkpoints.open(
        directory.resolve("model.bin").toString(),
        new OpenOptions(Optional.empty(), List.of(config)));
  }

  private void copyTokenizer() throws IOException {
    for (String file : List.of("vocab.json", "merges.txt")) {
      Files.copy(
          TestModels.WEIGHTS.resolve("gpt2-shakespeare").resolve(file), directory.resolve(file));
    }
  }

  /** A model that has learnt a language tells by itself. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theLowerLossDecidesAndThatIsSaid(boolean turned) throws IOException {
    copyTokenizer();
    try (Checkpoint model = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      Files.write(directory.resolve("model.bin"), DumpFiles.modelBin(model, turned));
      String right = turned ? "linear=in_out" : "linear=out_in";
      String wrong = turned ? "linear=out_in" : "linear=in_out";
      try (Checkpoint read = open();
          Checkpoint said = open(right);
          Checkpoint other = open(wrong)) {
        assertThat(read.hash()).isEqualTo(said.hash()).isNotEqualTo(other.hash());
        assertThat(read.format()).isEqualTo(said.format());
        assertThat(read.notes())
            .singleElement()
            .asString()
            .contains(said.format(), "nats per token");
        assertThat(said.notes()).isEmpty();
      }
    }
  }

  /** One that has learnt nothing does not, and neither does one without a tokenizer. */
  @Test
  void elseTheUserIsAsked() throws IOException {
    Checkpoint random = RandomModels.of("small", FlatFilesTest.GPT2, DType.F32, 1);
    Files.write(directory.resolve("model.bin"), DumpFiles.modelBin(random, false));
    assertAsked();
    copyTokenizer();
    assertAsked();
    try (Checkpoint model = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      Files.write(directory.resolve("model.bin"), DumpFiles.modelBin(model, false));
    }
    Files.delete(directory.resolve("vocab.json"));
    Files.delete(directory.resolve("merges.txt"));
    assertAsked();
  }

  private void assertAsked() {
    assertThatThrownBy(() -> open().close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("linear=out_in", "linear=in_out", "got nothing");
  }

  /** The loss itself: gpt2-shakespeare's, from a float64 forward pass, and that of a guess. */
  @Test
  void lossesAreThoseOfTheModel() throws IOException {
    int[] ids = {84, 78, 220, 65, 68, 11, 220, 78, 81, 220, 77, 78, 83};
    try (Checkpoint model = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      assertThat(SentenceLoss.of(model.config(), model.tensors(), ids))
          .isCloseTo(5.931576, Offset.offset(1e-3));
    }
    Checkpoint random = RandomModels.of("small", FlatFilesTest.GPT2, DType.F32, 1);
    assertThat(SentenceLoss.of(random.config(), random.tensors(), ids))
        .isCloseTo(Math.log(1024), Offset.offset(0.1));
  }
}
