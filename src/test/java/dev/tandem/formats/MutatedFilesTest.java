package dev.tandem.formats;

import dev.tandem.formats.gguf.GgufModels;
import dev.tandem.formats.gguf.GgufWriter;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.settings.ModelSource;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Valid files with seeded damage open as a valid checkpoint or give a {@link ModelFormatException}:
 * never another exception, a hang, or more memory than the file's size and 64 MiB.
 */
@Tag("slow")
public class MutatedFilesTest {
  private final Path directory;

  private final Mutations mutations = new Mutations(300, 9);

  MutatedFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  @Timeout(600)
  void llama2cFiles() throws IOException {
    Path model =
        TestModels.writeLlama(
            directory.resolve("small"),
            RandomModels.of("small", TestModels.llama(false), DType.F32, 1));
    mutations.mutate(model, model, 28, 1);
    mutations.requireBothOutcomes();
  }

  @Test
  @Timeout(600)
  void theRealLlama2cFile() throws IOException {
    Path model = directory.resolve("stories260K.bin");
    Files.copy(TestModels.WEIGHTS.resolve("stories260K/stories260K.bin"), model);
    Files.copy(
        TestModels.WEIGHTS.resolve("stories260K/tok512.bin"), directory.resolve("tok512.bin"));
    mutations.mutate(model, model, 28, 2);
  }

  @Test
  @Timeout(600)
  void llama2cTokenizers() throws IOException {
    Path model =
        TestModels.writeLlama(
            directory.resolve("small"),
            RandomModels.of("small", TestModels.llama(true), DType.F32, 1));
    mutations.mutate(model, model.resolveSibling("tok512.bin"), 64, 3);
  }

  @Test
  @Timeout(600)
  void safetensorsFiles() throws IOException {
    Path model = writeGpt2();
    Path weights = model.resolve("model.safetensors");
    byte[] start = Files.readAllBytes(weights);
    long headerBytes = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
    mutations.mutate(model, weights, 8 + (int) headerBytes, 4);
    mutations.requireBothOutcomes();
  }

  @Test
  @Timeout(600)
  void ggufFiles() throws IOException {
    Checkpoint source = RandomModels.of("small", TestModels.llama(false), DType.F16, 1);
    Path model = directory.resolve("small.gguf");
    byte[] file = GgufModels.of(source).build();
    Files.write(model, file);
    mutations.mutate(model, model, file.length - (int) source.tensorBytes(), 8);
    mutations.requireBothOutcomes();
  }

  /** As {@code convert} writes them, with a list of hashes and merges. */
  @Test
  @Timeout(600)
  void writtenGgufFiles() throws IOException {
    Path model = directory.resolve("written.gguf");
    try (Checkpoint embedded = Checkpoints.open(ModelSource.DEFAULT, Optional.empty());
        Checkpoint small = RandomModels.of("small", TestModels.GPT2, DType.F32, 1)) {
      Checkpoint source =
          new Checkpoint(
              "small", "", small.config(), small.tensors(), embedded::tokenizer, List.of());
      GgufWriter writer = new GgufWriter();
      TypePlan plan = TypePlan.of(source, Optional.of(DType.Q8_0), writer.types());
      writer.write(source, plan, model, ConversionProgress.NONE);
      mutations.mutate(model, model, (int) (Files.size(model) - plan.bytes()), 9);
    }
    mutations.requireBothOutcomes();
  }

  @Test
  @Timeout(600)
  void configFiles() throws IOException {
    Path model = writeGpt2();
    mutations.mutate(model, model.resolve("config.json"), 0, 5);
  }

  @Test
  @Timeout(600)
  void vocabularyFiles() throws IOException {
    Path model = writeGpt2();
    mutations.mutate(model, model.resolve("vocab.json"), 100, 6);
  }

  @Test
  @Timeout(600)
  void mergesFiles() throws IOException {
    Path model = writeGpt2();
    mutations.mutate(model, model.resolve("merges.txt"), 100, 7);
  }

  private Path writeGpt2() throws IOException {
    return TestModels.writeGpt2(
        directory.resolve("small"), RandomModels.of("small", TestModels.GPT2, DType.F16, 1));
  }
}
