package dev.tandem.runtime;

import dev.tandem.engine.Engine;
import dev.tandem.engine.LoadedModel;
import dev.tandem.engine.LocalStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;

/** A model loaded here, whose stages a test opens one by one; closes all of them. */
public final class LocalChain implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final EngineSettings settings;
  private final Engine engine;
  private final LoadedModel model;
  private final Deque<LocalStage> stages = new ArrayDeque<>();

  public LocalChain(Checkpoint checkpoint, EngineSettings settings) throws IOException {
    this.checkpoint = checkpoint;
    this.settings = settings;
    engine = new Engine(settings.threads(), settings.isa());
    model = engine.load(checkpoint);
  }

  public LocalStage whole() throws IOException {
    return stage(Span.whole(checkpoint.config().nLayers()));
  }

  public LocalStage stage(Span span) throws IOException {
    LocalStage stage = model.openStage(span, LocalModel.stageOptions(settings, checkpoint));
    stages.push(stage);
    return stage;
  }

  @Override
  public void close() {
    stages.forEach(LocalStage::close);
    model.close();
    engine.close();
  }
}
