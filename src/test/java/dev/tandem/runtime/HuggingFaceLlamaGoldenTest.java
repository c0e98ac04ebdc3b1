package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * A Llama with grouped heads, biases of q, k and v and Llama 3.1's RoPE scaling, against PyTorch by
 * Hugging Face's definitions.
 */
class HuggingFaceLlamaGoldenTest {
  private static final Path MODEL = Path.of("src/test/resources/goldens/huggingface-llama");
  private static final Path TOKENIZER = Path.of("weights/stories260K/tok512.bin");

  /** f32 against f64: logits of up to 10 after two blocks of sums of up to 24 products. */
  private static final double F32_TOLERANCE = 1e-4;

  @Test
  void idsAndLogitsArePytorchs() throws Exception {
    JsonNode golden = Goldens.read("huggingface-llama/greedy.json").get(0);
    assertThat(golden.get("min_top2_gap").doubleValue()).isGreaterThan(2 * F32_TOLERANCE);
    int[] greedyIds = Goldens.ints(golden.get("greedy_ids"));
    try (Checkpoint checkpoint = Checkpoints.open(MODEL.toString(), Optional.of(TOKENIZER));
        LocalChain chain = new LocalChain(checkpoint, EngineSettings.defaults())) {
      assertThat(checkpoint.config().ropeFactors()).isTrue();
      RecordingStage recording = new RecordingStage(chain.whole());
      Generator generator =
          new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(List.of(recording));
      GenerationResult result =
          generator.run(
              GenerationRequest.of(Goldens.ints(golden.get("prompt_ids")))
                  .sampling(SamplingOptions.greedy())
                  .ignoreEos(true)
                  .maxTokens(greedyIds.length),
              TokenSink.NONE);
      assertThat(result.ids()).isEqualTo(greedyIds);
      JsonNode rows = golden.get("logits_first16");
      for (int row = 0; row < greedyIds.length; row++) {
        float[] logits = recording.rows().get(row);
        for (int i = 0; i < rows.get(row).size(); i++) {
          assertThat((double) logits[i])
              .as("row %d, logit %d", row, i)
              .isCloseTo(rows.get(row).get(i).doubleValue(), within(F32_TOLERANCE));
        }
      }
    }
  }
}
