package dev.tandem.formats.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Activation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorDigest;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Files that PyTorch itself wrote, against what PyTorch says is in them. */
class TorchGoldenTest {
  private static final Path FILES = Path.of("src/test/resources/goldens/pytorch");

  private static Checkpoint open(String file, String... config) throws IOException {
    return Checkpoints.open(
        FILES.resolve(file).toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private static void assertAsPyTorchSays(String file, Checkpoint model) throws IOException {
    JsonNode expected =
        new ObjectMapper().readTree(FILES.resolve("expected.json").toFile()).get(file);
    for (var entry : TestModels.huggingFaceNames(model, "").entrySet()) {
      assertThat(TensorDigest.of(entry.getValue()))
          .as(entry.getKey())
          .isEqualTo(expected.get(entry.getKey()).textValue());
    }
    assertThat(expected.size()).isBetween(model.tensors().size(), model.tensors().size() + 1);
  }

  @Test
  void aTrainingCheckpointOfACompiledModel() throws IOException {
    try (Checkpoint model = open("nanogpt.pt")) {
      assertThat(model.format()).isEqualTo("nanoGPT (PyTorch)");
      assertThat(model.config().nHeads()).isEqualTo(2);
      assertThat(model.config().maxSeq()).isEqualTo(6);
      assertThat(model.config().tiedHead()).isTrue();
      assertThat(model.config().activation()).isEqualTo(Activation.GELU_ERF);
      assertAsPyTorchSays("nanogpt.pt", model);
    }
  }

  @Test
  void viewsAndHalfPrecision() throws IOException {
    try (Checkpoint model = open("views.pt", "n_head=4")) {
      assertThat(model.format()).isEqualTo("Hugging Face GPT-2 (PyTorch)");
      assertThat(model.tensor("blk.1.ffn_up.weight").dtype()).isEqualTo(DType.BF16);
      assertThat(model.tensor("blk.1.ffn_down.weight").dtype()).isEqualTo(DType.F16);
      assertAsPyTorchSays("views.pt", model);
    }
  }

  @Test
  void parametersByProtocol4() throws IOException {
    try (Checkpoint model = open("parameters.pt", "n_head=1")) {
      assertThat(model.config().tiedHead()).isTrue();
      assertAsPyTorchSays("parameters.pt", model);
    }
  }

  @Test
  void whatCannotBeReadSaysWhatToDo() {
    assertThatThrownBy(() -> open("module.pt"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(
            "torch.save(model.state_dict(), FILE)", "torch.nn.modules.linear.Linear");
    assertThatThrownBy(() -> open("old.pt")) // a file of before 1.6 that is no model
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensors' names");
  }
}
