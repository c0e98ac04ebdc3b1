package dev.tandem.runtime;

import dev.tandem.engine.Engine;
import dev.tandem.engine.LoadedModel;
import dev.tandem.engine.LocalStage;
import dev.tandem.engine.ReferenceSwitches;
import dev.tandem.engine.StageOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.plain.PlainModel;
import dev.tandem.plain.PlainStage;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** A checkpoint whose stages are computed in this process, by any backend. */
public final class LocalModel implements AutoCloseable {
  private final List<String> notes;
  private final Optional<Engine> engine;
  private final ResourceScope resources;
  private final Opener opener;

  private interface Opener {
    Stage open(Span span) throws IOException;
  }

  private LocalModel(
      List<String> notes, Optional<Engine> engine, ResourceScope resources, Opener opener) {
    this.notes = notes;
    this.engine = engine;
    this.resources = resources;
    this.opener = opener;
  }

  /**
   * Makes a checkpoint's tensors available to a backend: the requested one, otherwise the native
   * core, otherwise plain Java.
   *
   * @param checkpoint must stay open; the caller closes it
   * @throws IOException if its files cannot be mapped
   * @throws LinkageError if a native backend is requested and cannot be loaded
   */
  public static LocalModel open(Checkpoint checkpoint, EngineSettings settings) throws IOException {
    BackendChoice choice = BackendChoice.of(settings);
    StageOptions options = stageOptions(settings, checkpoint);
    if (choice.backend() == Backend.JAVA) {
      return plain(checkpoint, settings, options, choice.notes());
    }
    try (ResourceScope scope = new ResourceScope()) {
      Engine engine = scope.add(new Engine(settings.threads(), settings.isa()));
      LoadedModel model = scope.add(engine.load(checkpoint));
      return new LocalModel(
          choice.notes(),
          Optional.of(engine),
          scope.handOver(),
          opener(model, choice.backend(), options));
    }
  }

  /** The settings with what they leave open filled in with the model's defaults. */
  public static StageOptions stageOptions(EngineSettings settings, Checkpoint checkpoint) {
    StageOptions defaults = StageOptions.defaults(checkpoint);
    return new StageOptions(
        settings.reproducible() ? ArithmeticMode.REPRODUCIBLE : ArithmeticMode.FAST,
        settings.activationEval().orElse(defaults.activationEval()),
        settings.kvType().orElse(defaults.kvType()),
        settings.chunkRows() == 0 ? defaults.chunkRows() : settings.chunkRows());
  }

  private static LocalModel plain(
      Checkpoint checkpoint, EngineSettings settings, StageOptions options, List<String> notes) {
    ResourceScope resources = new ResourceScope();
    PlainModel model = resources.add(new PlainModel(checkpoint, settings.threads()));
    return new LocalModel(
        notes,
        Optional.empty(),
        resources,
        span -> model.openStage(span, options.activationEval(), options.chunkRows()));
  }

  private static Opener opener(LoadedModel model, Backend backend, StageOptions options) {
    if (backend == Backend.FAST) {
      return span -> model.openStage(span, options);
    }
    ReferenceSwitches switches =
        switch (backend) {
          case NAIVE -> ReferenceSwitches.NAIVE;
          case BLAS -> ReferenceSwitches.BLAS;
          case BLAS_KV -> ReferenceSwitches.BLAS_KV;
          case JAVA, FAST -> throw new IllegalStateException(backend + " is no reference");
        };
    return span -> model.openReference(span, switches, options.activationEval());
  }

  /** The native engine, if the backend is native. */
  public Optional<Engine> engine() {
    return engine;
  }

  /** Notes for the user; one line each. */
  public List<String> notes() {
    return notes;
  }

  /**
   * Opens a stage, which the caller closes before this model.
   *
   * @throws IOException if the model cannot be read
   * @throws MissingSpanException if the checkpoint does not hold all of the span
   */
  public Stage openStage(Span span) throws IOException {
    return opener.open(span);
  }

  /** The bytes of weights that a step of a stage of this model reads. */
  public static long weightBytes(Stage stage) {
    if (stage instanceof PlainStage plain) {
      return plain.weightBytes();
    }
    return ((LocalStage) stage).weightBytes();
  }

  /** Frees the model once its stages are closed too; idempotent. */
  @Override
  public void close() {
    resources.close();
  }
}
