package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.generation.FinishReason;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Output;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ids without text, such as rows that pad a model's matrices: they have logits like any other. */
class SilentIdsTest {
  private static final ToyModel MODEL = new ToyModel(4, 61, 300);
  private static final int[] PROMPT = {3, 1, 4, 1, 5};

  private static GenerationResult run(ToyTokenizer tokenizer, int... prompt) throws Exception {
    Span span = new Span(0, MODEL.nLayers(), Output.LOGITS);
    ToyStage stage = new ToyStage(MODEL, span, 16);
    GenerationRequest request =
        GenerationRequest.of(prompt)
            .sampling(SamplingOptions.builder().seed(5).build())
            .maxTokens(30);
    return new Generator(List.of(stage), MODEL.embedder(), tokenizer).run(request, TokenSink.NONE);
  }

  @Test
  void areNeverDrawnUnlessTheyEndTheText() throws Exception {
    int[] all = run(ToyTokenizer.words(61), PROMPT).ids();
    int[] silent = {all[0], all[7], 60};
    assertThat(run(ToyTokenizer.words(61).without(silent), PROMPT).ids())
        .hasSize(30)
        .doesNotContain(silent);
    GenerationResult ended = run(ToyTokenizer.words(61, all[0]).without(silent), PROMPT);
    assertThat(ended.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(ended.ids()).isEmpty();
  }

  @Test
  void mayBeInAPrompt() throws Exception {
    int[] silent = {7, 60};
    assertThat(run(ToyTokenizer.words(61).without(silent), 7, 60, 1).ids()).doesNotContain(silent);
  }
}
