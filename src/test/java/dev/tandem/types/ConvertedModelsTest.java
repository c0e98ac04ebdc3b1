package dev.tandem.types;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelPart;
import dev.tandem.model.Retyped;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.FileRegion;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConvertedModelsTest {
  private static Checkpoint open(String name) throws IOException {
    return Checkpoints.open(name, Optional.empty());
  }

  private static Checkpoint convert(Checkpoint model, DType type) throws IOException {
    return ConvertedModels.convert(model, type, ConversionProgress.NONE);
  }

  private static Path file(Tensor tensor) {
    return ((FileRegion) tensor.data()).file();
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32",
    "gpt2-shakespeare, BF16",
    "gpt2-shakespeare, Q8_0",
    "gpt2-shakespeare, Q4_0",
    "stories260K, F16",
    "stories260K, Q4_0"
  })
  void itIsWhatConvertMakes(String name, DType type) throws IOException {
    Path file;
    try (Checkpoint model = open(name);
        Checkpoint converted = convert(open(name), type)) {
      assertThat(converted.hash()).isEqualTo(Retyped.of(model, type).hash());
      assertThat(converted.hash()).isNotEqualTo(model.hash());
      assertThat(converted.name()).isEqualTo(name);
      assertThat(converted.config()).isEqualTo(model.config());
      assertThat(converted.isWhole()).isTrue();
      String text = "To be, or not\n\tto be";
      assertThat(converted.tokenizer().encodePrompt(text, false))
          .isEqualTo(model.tokenizer().encodePrompt(text, false));
      file = file(converted.tensor("token_embd.weight"));
      assertThat(file).exists();
    }
    assertThat(file).doesNotExist();
    assertThat(file.getParent()).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({"gpt2-shakespeare, F16", "stories260K, F32"})
  void nothingIsDoneForTheTypeThatItHas(String name, DType type) throws IOException {
    try (Checkpoint model = open(name)) {
      assertThat(convert(model, type)).isSameAs(model);
    }
  }

  @Test
  void aConvertedModelIsConvertedAgain() throws IOException {
    try (Checkpoint model = open("stories260K");
        Checkpoint twice = convert(convert(open("stories260K"), DType.F16), DType.F32)) {
      assertThat(twice.hash()).isEqualTo(Retyped.toF32(Retyped.of(model, DType.F16)).hash());
    }
  }

  @Test
  void aPartIsRefused() throws IOException {
    try (Checkpoint model = open("stories260K")) {
      Checkpoint part = model.cut(new ModelPart(true, Span.layers(0, 2), true));
      assertThatThrownBy(() -> convert(part, DType.Q8_0))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("a part keeps the types of its whole");
    }
  }

  @Test
  void givingUpLeavesNothing(@TempDir Path directory) throws IOException {
    List<Path> seen = new ArrayList<>();
    ConversionProgress impatient =
        new ConversionProgress() {
          @Override
          public void begin(long totalBytes) {
            // the size does not matter
          }

          @Override
          public void advance(String tensor, long bytes) throws IOException {
            seen.addAll(below(directory));
            throw new InterruptedIOException("enough");
          }
        };
    assertThatThrownBy(
            () -> ConvertedModels.convert(open("stories260K"), DType.Q8_0, impatient, directory))
        .isInstanceOf(InterruptedIOException.class);
    assertThat(seen).hasSize(2); // a directory and a file
    assertThat(below(directory)).isEmpty();
  }

  private static List<Path> below(Path directory) throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      return paths.filter(path -> !path.equals(directory)).toList();
    }
  }
}
