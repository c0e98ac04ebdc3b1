package dev.tandem.runtime;

import dev.tandem.model.Checkpoint;
import dev.tandem.scheduler.ModelScheduler;
import dev.tandem.scheduler.ScheduledStage;
import dev.tandem.scheduler.SchedulerLimits;
import dev.tandem.scheduler.SchedulerListener;
import dev.tandem.scheduler.StageProvider;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The stages of one model in this process, for any number of generations at once: their steps go
 * through one scheduler, which computes them together.
 */
final class LocalStages implements AutoCloseable {
  /** Sequences at once; their memory is the user's own. */
  private static final int MAX_SEQUENCES = 1 << 20;

  private static final int MAX_STEPS_IN_FLIGHT = 4;

  /** Steps of this process end when their generations are cancelled; nothing else is waited for. */
  private static final long DRAIN_MILLIS = 0;

  private final LocalModel model;
  private final ModelScheduler scheduler;

  /** Open as long as this is, so that the weights stay in memory; all stages share them. */
  private final List<Stage> kept = new ArrayList<>();

  /**
   * Opens stages.
   *
   * @param checkpoint must stay open; the caller closes it
   * @param model closed with this
   * @param spans what will be computed here; at least one
   * @throws IOException if the model cannot be read
   */
  LocalStages(Checkpoint checkpoint, LocalModel model, List<Span> spans) throws IOException {
    this.model = model;
    try (ResourceScope scope = new ResourceScope()) {
      for (Span span : spans) {
        kept.add(scope.add(model.openStage(span)));
      }
      scheduler =
          new ModelScheduler(
              "tandem-" + checkpoint.name(),
              new Provider(kept.get(0), checkpoint.config().nLayers()),
              SchedulerLimits.of(MAX_SEQUENCES, MAX_STEPS_IN_FLIGHT, DRAIN_MILLIS),
              SchedulerListener.NONE);
      scope.succeeded();
    }
  }

  /** The profile of one of the spans that were named. */
  ArithmeticProfile profile(Span span) {
    return kept.stream()
        .filter(stage -> stage.spec().span().equals(span))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(span + " was not opened"))
        .profile();
  }

  /** A stage that shares its calls with others; it need not be closed before this is. */
  Stage stage(Span span) {
    return new ScheduledStage(scheduler, span);
  }

  /** Bytes of weights that a step of all spans reads. */
  long weightBytes() {
    return kept.stream().mapToLong(LocalModel::weightBytes).sum();
  }

  @Override
  public void close() {
    scheduler.close();
    kept.forEach(Stage::close);
    model.close();
  }

  /** Opens this model's stages for the scheduler. */
  private final class Provider implements StageProvider {
    private final StageSpec offered;
    private final ArithmeticProfile profile;

    Provider(Stage any, int nLayers) {
      // What the checkpoint does not hold, openStage refuses.
      offered = any.spec().withSpan(Span.whole(nLayers));
      profile = any.profile();
    }

    @Override
    public StageSpec offered() {
      return offered;
    }

    @Override
    public ArithmeticProfile profile() {
      return profile;
    }

    @Override
    public Stage open(Span span) throws IOException {
      return model.openStage(span);
    }
  }
}
