package dev.tandem.runtime;

import dev.tandem.client.Traffic;
import dev.tandem.decoding.Generator;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Span;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** A model that runs in this process. */
public final class WholeRuntime implements ModelRuntime {
  private final Checkpoint checkpoint;
  private final Span span;
  private final LocalModel model;
  private final LocalStages stages;
  private final Tokenizer tokenizer;
  private final GeneratorFactory generators;

  private WholeRuntime(Checkpoint checkpoint, EngineSettings settings) throws IOException {
    this.checkpoint = checkpoint;
    if (!checkpoint.isWhole()) {
      throw new IOException(
          checkpoint.name()
              + " is a part of a model ("
              + checkpoint.part()
              + "); run it split, with a server that has the rest");
    }
    span = Span.whole(checkpoint.config().nLayers());
    try (TokenizerLoad load = new TokenizerLoad(checkpoint);
        ResourceScope scope = new ResourceScope()) {
      model = scope.add(LocalModel.open(checkpoint, settings));
      stages = scope.add(new LocalStages(checkpoint, model, List.of(span)));
      tokenizer = load.await();
      generators = new GeneratorFactory(checkpoint, tokenizer);
      scope.succeeded();
    }
  }

  /**
   * Loads a model.
   *
   * @param checkpoint must stay open; the caller closes it after the runtime
   * @throws IOException if its files cannot be read, or it is only a part of a model
   * @throws LinkageError if the settings name a native backend and it cannot be loaded
   */
  public static WholeRuntime open(Checkpoint checkpoint, EngineSettings settings)
      throws IOException {
    return new WholeRuntime(checkpoint, settings);
  }

  @Override
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public boolean exact() {
    return stages.profile(span).mode().isNative();
  }

  @Override
  public List<String> notes() {
    return model.notes();
  }

  @Override
  public Optional<Traffic> traffic() {
    return Optional.empty();
  }

  @Override
  public Generator newGenerator() {
    return generators.of(List.of(stages.stage(span)));
  }

  @Override
  public void close() {
    stages.close();
  }
}
