package dev.tandem.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.api.RequestException;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Batch;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Negative controls: what a comparison says of backends that do not compute alike. */
@Tag("slow")
class ComparisonTest {

  private static ComparisonResult compare(
      BiFunction<Backend, Stage, Stage> wrapped, Backend... backends) throws Exception {
    try (Checkpoint model = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      int[] prompt = model.tokenizer().encodePrompt("ROMEO:", false);
      return new Comparison(
              model, EngineSettings.defaults(), prompt, 6, Comparison.Watcher.NONE, wrapped)
          .run(List.of(backends));
    }
  }

  /** A backend whose logits are wrong at one position is found. */
  @Test
  void aWrongLogitIsFound() throws Exception {
    ComparisonResult result =
        compare(
            (backend, stage) ->
                backend == Backend.BLAS_KV
                    ? new Changed(stage, logits -> logits.put(17, logits.get(17) + 50))
                    : stage,
            Backend.FAST,
            Backend.BLAS_KV,
            Backend.BLAS,
            Backend.NAIVE,
            Backend.JAVA);
    assertThat(result.identical()).isFalse();
    assertThat(result.withinRounding()).isFalse();
    Disagreement difference = result.rows().get(1).disagreement().orElseThrow();
    assertThat(difference.index()).isZero();
    assertThat(difference.id()).isEqualTo(17);
    assertThat(difference.gap()).isGreaterThan(difference.bound());
    assertThat(difference.bound()).isBetween(1e-6, 0.1);
    for (int other : new int[] {0, 2, 3, 4}) {
      assertThat(result.rows().get(other).disagreement()).isEmpty();
    }
  }

  /** Two tokens that are as likely: rounding may decide, and that is told but is no failure. */
  @Test
  void aNearTieIsWithinRounding() throws Exception {
    ComparisonResult result =
        compare(
            (backend, stage) ->
                new Changed(
                    stage,
                    logits -> {
                      logits.put(17, 40);
                      logits.put(18, backend == Backend.JAVA ? 40.00001f : 39.99999f);
                    }),
            Backend.FAST,
            Backend.JAVA);
    assertThat(result.identical()).isFalse();
    assertThat(result.withinRounding()).isTrue();
    Disagreement difference = result.rows().get(1).disagreement().orElseThrow();
    assertThat(difference.index()).isZero();
    assertThat(difference.id()).isEqualTo(18);
    assertThat(difference.referenceId()).isEqualTo(17);
  }

  /** Through the public door. */
  @Test
  void aPromptThatDoesNotFitIsRefused() {
    try (MeasuredModel model = MeasuredModel.open("stories260K")) {
      int[] prompt = new int[model.maxSeq() + 1];
      assertThatThrownBy(
              () ->
                  Comparison.run(
                      model,
                      EngineSettings.defaults(),
                      List.of(Backend.JAVA),
                      prompt,
                      1,
                      Comparison.Watcher.NONE))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("" + model.maxSeq());
    }
  }

  private interface Change {
    void apply(FloatBuffer logits);
  }

  /** A stage whose logits are changed. */
  private static final class Changed extends ForwardingStage {
    private final Change change;

    Changed(Stage stage, Change change) {
      super(stage);
      this.change = change;
    }

    @Override
    public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
      super.step(batch, in, out);
      if (batch.totalOut() > 0) {
        change.apply(out);
      }
    }
  }
}
