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
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** gpt2-shakespeare against PyTorch, with the formula and with the activation table. */
class Gpt2ShakespeareGoldenTest {
  private static final String MODEL = "gpt2-shakespeare";

  /**
   * f32 sums of dModel to dFf products in another order, four blocks deep; PyTorch's f32 differs
   * from its f64 by 6e-6 at most on these prompts.
   */
  private static final double F32_TOLERANCE = 5e-5;

  static Stream<JsonNode> goldens() {
    return Goldens.read("gpt2-shakespeare/greedy.json").stream();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void formulaGivesPytorchsIdsAndLogits(JsonNode golden) throws Exception {
    Run run = run(golden, ActivationEval.FORMULA);
    assertThat(run.result().promptIds()).isEqualTo(Goldens.ints(golden.get("prompt_ids")));
    assertThat(run.result().ids()).isEqualTo(Goldens.ints(golden.get("greedy_ids")));
    JsonNode expected = golden.get("last_prompt_logits_first16");
    float[] logits = run.logits().get(0);
    for (int i = 0; i < expected.size(); i++) {
      assertThat((double) logits[i])
          .isCloseTo(expected.get(i).doubleValue(), within(F32_TOLERANCE));
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    assertThat(Math.log(sum))
        .isCloseTo(golden.get("last_prompt_logsumexp").doubleValue(), within(F32_TOLERANCE));
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void tableStaysWithinItsBound(JsonNode golden) throws Exception {
    Run formula = run(golden, ActivationEval.FORMULA);
    Run table = run(golden, ActivationEval.TABLE);
    double bound = bound();
    if (golden.get("min_top2_gap").doubleValue() > 2 * bound) {
      assertThat(table.result().ids()).isEqualTo(formula.result().ids());
    }
    // Up to the first different id both computed the same rows.
    int[] ids = table.result().ids();
    int same = 0;
    while (same < ids.length && ids[same] == formula.result().ids()[same]) {
      same++;
    }
    double largest = 0;
    for (int row = 0; row <= Math.min(same, formula.logits().size() - 1); row++) {
      float[] a = formula.logits().get(row);
      float[] b = table.logits().get(row);
      for (int i = 0; i < a.length; i++) {
        largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
      }
    }
    assertThat(largest).isPositive().isLessThan(bound);
    if (same < ids.length) {
      float[] row = formula.logits().get(same);
      double gap = row[formula.result().ids()[same]] - row[ids[same]];
      assertThat(gap).as("a near tie decided the other way").isLessThan(2 * bound);
    }
  }

  @Test
  void boundIsSmallEnoughToMeanSomething() throws Exception {
    assertThat(bound()).isBetween(1e-3, 5e-2);
  }

  private record Run(GenerationResult result, List<float[]> logits) {}

  private static Run run(JsonNode golden, ActivationEval eval) throws Exception {
    EngineSettings settings =
        new EngineSettings(0, "", Optional.of(eval), Optional.empty(), false, 0);
    try (Checkpoint checkpoint = Checkpoints.open(MODEL, Optional.empty());
        LocalChain chain = new LocalChain(checkpoint, settings)) {
      RecordingStage recording = new RecordingStage(chain.whole());
      Generator generator =
          new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(List.of(recording));
      int[] prompt = checkpoint.tokenizer().encodePrompt(golden.get("prompt").textValue(), false);
      GenerationResult result =
          generator.run(
              GenerationRequest.of(prompt)
                  .sampling(SamplingOptions.greedy())
                  .ignoreEos(true)
                  .maxTokens(golden.get("greedy_ids").size()),
              TokenSink.NONE);
      return new Run(result, recording.rows());
    }
  }

  /** {@link TableError#bound} with the residual stream as it is for the goldens' prompts. */
  private static double bound() throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open(MODEL, Optional.empty());
        LocalChain chain = new LocalChain(checkpoint, EngineSettings.defaults())) {
      int nLayers = checkpoint.config().nLayers();
      RecordingStage blocks = new RecordingStage(chain.stage(Span.layers(0, nLayers)));
      Generator generator =
          new GeneratorFactory(checkpoint, checkpoint.tokenizer())
              .of(List.of(blocks, chain.stage(Span.head(nLayers))));
      for (JsonNode golden : Goldens.read("gpt2-shakespeare/greedy.json")) {
        generator.run(
            GenerationRequest.of(Goldens.ints(golden.get("prompt_ids")))
                .sampling(SamplingOptions.greedy())
                .maxTokens(golden.get("greedy_ids").size()),
            TokenSink.NONE);
      }
      double smallest = Double.MAX_VALUE;
      for (float[] row : blocks.rows()) {
        smallest = Math.min(smallest, deviation(row));
      }
      return TableError.bound(checkpoint, smallest);
    }
  }

  private static double deviation(float[] row) {
    double sum = 0;
    double squares = 0;
    for (float value : row) {
      sum += value;
      squares += (double) value * value;
    }
    double mean = sum / row.length;
    return Math.sqrt(squares / row.length - mean * mean);
  }
}
