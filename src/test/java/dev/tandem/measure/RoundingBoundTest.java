package dev.tandem.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.decoding.GenerationException;
import dev.tandem.engine.StageOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.LocalModel;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bound holds with room to spare, and yet is far below what a mistake does. */
class RoundingBoundTest {

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32",
    "stories260K, F32",
    "gpt2-shakespeare, BF16",
    "gpt2-shakespeare, Q8_0"
  })
  void whatBackendsDifferByIsWithinTheBound(String name, DType type) throws Exception {
    try (Checkpoint checkpoint = converted(name, type)) {
      int[] prompt = checkpoint.tokenizer().encodePrompt("ROMEO: what", false);
      ComparisonResult result = compare(checkpoint, prompt);
      StageOptions options = LocalModel.stageOptions(EngineSettings.defaults(), checkpoint);
      double bound = RoundingBound.ofGap(checkpoint, options, 0, prompt);
      for (ComparisonRow row : result.rows().subList(1, result.rows().size())) {
        // A gap is two differences, and the bound has a margin of four.
        assertThat(row.largestLogitDifference()).isPositive().isLessThan(bound / 4);
      }
      // The logits of both models are spread by several units.
      assertThat(bound).isLessThan(type == DType.F32 ? 0.05 : 10);
    }
  }

  private static Checkpoint converted(String name, DType type) throws IOException {
    return ConvertedModels.convert(
        Checkpoints.open(name, Optional.empty()), type, ConversionProgress.NONE);
  }

  private static ComparisonResult compare(Checkpoint checkpoint, int[] prompt)
      throws IOException, GenerationException {
    return new Comparison(
            checkpoint,
            EngineSettings.defaults(),
            prompt,
            1,
            Comparison.Watcher.NONE,
            (backend, stage) -> stage)
        .run(List.of(Backend.FAST, Backend.BLAS_KV, Backend.NAIVE, Backend.JAVA));
  }
}
