package dev.tandem.api;

import dev.tandem.generation.GenerationException;
import dev.tandem.generation.GenerationListener;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.Generator;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;

/**
 * A model that runs in this process.
 *
 * <pre>{@code
 * try (Checkpoint checkpoint = Checkpoints.open("gpt2-shakespeare", Optional.empty());
 *     TextModel model = WholeModel.open(checkpoint, EngineSettings.defaults())) {
 *   System.out.println(model.generate("ROMEO:", 100));
 * }
 * }</pre>
 */
public final class WholeModel implements TextModel {
  private final Checkpoint checkpoint;
  private final LocalModel model;
  private final Stage stage;
  private final Tokenizer tokenizer;
  private final Generator generator;

  private WholeModel(Checkpoint checkpoint, EngineSettings settings) throws IOException {
    this.checkpoint = checkpoint;
    if (!checkpoint.isWhole()) {
      throw new IOException(
          checkpoint.name()
              + " is a part of a model ("
              + checkpoint.part()
              + "); run it with tandem client and a server that has the rest");
    }
    try (TokenizerLoad load = new TokenizerLoad(checkpoint);
        Opening opening = new Opening()) {
      model = opening.add(LocalModel.open(checkpoint, settings));
      stage = opening.add(model.openStage(Span.whole(checkpoint.config().nLayers())));
      tokenizer = load.await();
      generator = Generators.of(checkpoint, List.of(stage));
      opening.succeeded();
    }
  }

  /**
   * Loads a model.
   *
   * @param checkpoint must stay open; the caller closes it after the model
   * @throws IOException if its files cannot be read, or it is only a part of a model
   * @throws LinkageError if the settings name a native backend and it cannot be loaded
   */
  public static WholeModel open(Checkpoint checkpoint, EngineSettings settings) throws IOException {
    return new WholeModel(checkpoint, settings);
  }

  @Override
  public String name() {
    return checkpoint.name();
  }

  @Override
  public ModelConfig config() {
    return checkpoint.config();
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public boolean exact() {
    return stage.profile().mode().isNative();
  }

  @Override
  public List<String> notes() {
    return model.notes();
  }

  @Override
  public synchronized GenerationResult generate(
      GenerationRequest request, GenerationListener listener)
      throws IOException, GenerationException {
    return generator.run(request, listener);
  }

  @Override
  public void close() {
    stage.close();
    model.close();
  }
}
