package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.client.Traffic;
import dev.tandem.decoding.Generator;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.GeneratorFactory;
import dev.tandem.runtime.LocalChain;
import dev.tandem.runtime.ModelRuntime;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import dev.tandem.stage.Batch;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.Stage;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A generation that is cancelled during a step begins no other step. */
@Timeout(60)
class CancelledStepsTest {
  /** Counts the steps of a stage, and runs something within one of them. */
  private static final class CountingStage extends ForwardingStage {
    private final AtomicInteger steps;
    private final int at;
    private final boolean before;
    private final Runnable action;

    CountingStage(Stage stage, AtomicInteger steps, int at, boolean before, Runnable action) {
      super(stage);
      this.steps = steps;
      this.at = at;
      this.before = before;
      this.action = action;
    }

    @Override
    public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
      boolean now = steps.incrementAndGet() == at;
      if (now && before) {
        action.run();
      }
      super.step(batch, in, out);
      if (now && !before) {
        action.run();
      }
    }
  }

  /** A model of one stage, which is the test's. */
  private record OneStage(Checkpoint checkpoint, Tokenizer tokenizer, Stage stage)
      implements ModelRuntime {
    @Override
    public boolean exact() {
      return true;
    }

    @Override
    public List<String> notes() {
      return List.of();
    }

    @Override
    public Optional<Traffic> traffic() {
      return Optional.empty();
    }

    @Override
    public Reply replyFor(GenerationRequest request) {
      return Reply.LOGITS;
    }

    @Override
    public Generator newGenerator(Reply reply) {
      return new GeneratorFactory(checkpoint, tokenizer).of(List.of(stage));
    }

    @Override
    public void close() {
      stage.close();
    }
  }

  /**
   * The prompt is step 1; each later one computes a drawn token.
   *
   * @param before whether it is cancelled before the step computes, or after that
   * @param drawn tokens that the result has
   */
  @ParameterizedTest
  @CsvSource({"1, true, 0", "1, false, 0", "2, true, 1", "9, true, 8", "9, false, 9"})
  void noStepBeginsAfterwards(int step, boolean before, int drawn) throws IOException {
    EngineSettings settings = EngineSettings.defaults().withThreads(1);
    AtomicInteger steps = new AtomicInteger();
    CompletableFuture<Generation> started = new CompletableFuture<>();
    try (Checkpoint checkpoint = Checkpoints.open(ModelSource.DEFAULT, Optional.empty());
        LocalChain chain = new LocalChain(checkpoint, settings)) {
      Stage counting =
          new CountingStage(chain.whole(), steps, step, before, () -> started.join().cancel());
      try (ServedModel model =
          new ServedModel(new OneStage(checkpoint, checkpoint.tokenizer(), counting))) {
        GenerationRequest request =
            GenerationRequest.of("ROMEO:").maxTokens(20).temperature(0).ignoreEos(true);
        started.complete(model.start(request, GenerationListener.NONE));
        GenerationResult result = started.join().result();
        assertThat(result.cancelled()).isTrue();
        assertThat(steps).hasValue(step);
        assertThat(result.ids()).hasSize(drawn);
      }
    }
  }
}
