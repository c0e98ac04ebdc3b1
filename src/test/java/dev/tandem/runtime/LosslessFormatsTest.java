package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.convert.Conversion;
import dev.tandem.convert.ConversionOptions;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.dumps.DumpFiles;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A text in, the same ids out, whichever lossless format a model has been moved to. */
@Timeout(600)
class LosslessFormatsTest {
  /** Weights of f16 and the same values in f32 give equal bits in this mode only. */
  private static final EngineSettings SETTINGS = SplitExactnessTest.settings(16, true, 1, "");

  private final Path directory;

  LosslessFormatsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, hf",
    "gpt2-shakespeare, gguf",
    "gpt2-shakespeare, model-bin",
    "gpt2-shakespeare, model-bin in_out",
    "gpt2-shakespeare, llm.c",
    "gpt2-shakespeare, llm.c padded",
    "gpt2-shakespeare, headerless",
    "stories260K, hf",
    "stories260K, gguf",
    "stories260K, llama2.c 0",
    "stories260K, llama2.c 1"
  })
  void greedyIdsAreTheSame(String name, String format) throws Exception {
    String prompt = name.equals("stories260K") ? "Once upon a time" : "ROMEO:\nBut soft, what";
    try (Checkpoint original = Checkpoints.open(name, Optional.empty())) {
      int[] expected = greedy(original, prompt);
      assertThat(expected).hasSizeGreaterThan(20);
      Path written = write(original, name, format);
      OpenOptions options = new OpenOptions(Optional.empty(), config(original, format));
      try (Checkpoint moved = Checkpoints.open(written.toString(), options)) {
        assertThat(greedy(moved, prompt)).containsExactly(expected);
      }
    }
  }

  private static int[] greedy(Checkpoint checkpoint, String prompt) throws Exception {
    try (WholeRuntime model = WholeRuntime.open(checkpoint, SETTINGS)) {
      GenerationRequest request =
          GenerationRequest.of(prompt).sampling(SamplingOptions.greedy()).maxTokens(64);
      return model.newGenerator(model.replyFor(request)).run(request, TokenSink.NONE).ids();
    }
  }

  private static List<String> config(Checkpoint model, String format) {
    return switch (format) {
      case "model-bin" -> List.of("linear=out_in");
      case "model-bin in_out" -> List.of("linear=in_out");
      case "headerless" ->
          List.of(
              "n_layer=" + model.config().nLayers(),
              "n_head=" + model.config().nHeads(),
              "n_embd=" + model.config().dModel(),
              "vocab_size=" + model.config().vocabSize(),
              "n_positions=" + model.config().maxSeq());
      default -> List.of();
    };
  }

  private Path write(Checkpoint model, String name, String format) throws IOException {
    Path out = directory.resolve(format.equals("gguf") ? "out.gguf" : "out");
    if (format.equals("hf") || format.equals("gguf") || format.equals("model-bin")) {
      ConversionOptions options =
          new ConversionOptions(
              format.equals("model-bin") ? Optional.of(DType.F32) : Optional.empty(),
              Optional.of(format),
              false);
      Conversion.of(model, out, options).run(ConversionProgress.NONE);
      return out;
    }
    Files.createDirectory(out);
    copyTokenizer(Path.of("weights", name), out);
    return Files.write(out.resolve("weights.bin"), bytes(model, format));
  }

  private static byte[] bytes(Checkpoint model, String format) throws IOException {
    return switch (format) {
      case "model-bin in_out" -> DumpFiles.modelBin(model, true);
      case "llm.c" -> DumpFiles.llmc(model, 3, model.config().vocabSize());
      case "llm.c padded" -> DumpFiles.llmc(model, 3, model.config().vocabSize() + 128);
      case "headerless" -> DumpFiles.parameters(model, true);
      case "llama2.c 0" -> DumpFiles.llama2c(model, 0, 0);
      case "llama2.c 1" -> DumpFiles.llama2c(model, 1, 0);
      default -> throw new IllegalArgumentException(format);
    };
  }

  private static void copyTokenizer(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (name.matches("vocab\\.json|merges\\.txt|tok512\\.bin")) {
          Files.copy(file, to.resolve(name));
        }
      }
    }
  }
}
