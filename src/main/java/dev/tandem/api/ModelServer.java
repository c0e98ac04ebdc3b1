package dev.tandem.api;

import dev.tandem.engine.Engine;
import dev.tandem.engine.LoadedModel;
import dev.tandem.engine.LocalStage;
import dev.tandem.engine.StageOptions;
import dev.tandem.scheduler.StageProvider;
import dev.tandem.server.OfferedModel;
import dev.tandem.server.ServerOptions;
import dev.tandem.server.SplitServer;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import dev.tandem.weights.Checkpoint;
import java.io.IOException;
import java.util.List;

/**
 * A server that offers one model's blocks and head to clients.
 *
 * <pre>{@code
 * try (Checkpoint checkpoint = Checkpoints.open("gpt2-shakespeare", Optional.empty());
 *     ModelServer server =
 *         ModelServer.start(checkpoint, EngineSettings.defaults(), ServerOptions.defaults())) {
 *   System.out.println(server.uri());
 *   Thread.sleep(Long.MAX_VALUE);
 * }
 * }</pre>
 */
public final class ModelServer implements AutoCloseable {
  private final Engine engine;
  private final LoadedModel model;

  /** Kept open so that the weights are in memory before a client comes; all stages share them. */
  private final LocalStage whole;

  private final SplitServer server;

  private ModelServer(Checkpoint checkpoint, EngineSettings settings, ServerOptions options)
      throws IOException {
    try (Opening opening = new Opening()) {
      engine = opening.add(new Engine(settings.threads(), settings.isa()));
      model = opening.add(engine.load(checkpoint));
      StageOptions stageOptions = settings.stageOptions(checkpoint.config());
      int nLayers = checkpoint.config().nLayers();
      whole = opening.add(model.openStage(0, nLayers, true, stageOptions));
      OfferedModel offered =
          new OfferedModel(
              checkpoint.name(),
              nLayers,
              TensorHashes.of(checkpoint.hash().entries()),
              new Provider(model, whole, stageOptions));
      server = SplitServer.start(options, List.of(offered));
      opening.succeeded();
    }
  }

  /**
   * Loads the model and listens.
   *
   * @param checkpoint stays the caller's, who closes it after the server
   * @throws IOException if the model cannot be read or the address cannot be listened on
   */
  public static ModelServer start(
      Checkpoint checkpoint, EngineSettings settings, ServerOptions options) throws IOException {
    return new ModelServer(checkpoint, settings, options);
  }

  /** Where clients connect, e.g. {@code ws://127.0.0.1:8080/v1/split}. */
  public String uri() {
    return server.uri();
  }

  /** The port that it listens on. */
  public int port() {
    return server.port();
  }

  /** Sequences whose memory is reserved. */
  public int activeSequences() {
    return server.activeSequences();
  }

  /** Bytes of weights that a step of the whole model reads. */
  long weightBytes() {
    return whole.weightBytes();
  }

  /** Stops serving and frees the model; idempotent. */
  @Override
  public void close() {
    server.close();
    whole.close();
    model.close();
    engine.close();
  }

  /** Opens this model's stages for the scheduler. */
  private static final class Provider implements StageProvider {
    private final LoadedModel model;
    private final StageOptions options;
    private final StageSpec offered;
    private final ArithmeticProfile profile;

    Provider(LoadedModel model, Stage whole, StageOptions options) throws IOException {
      this.model = model;
      this.options = options;
      this.offered = whole.spec();
      this.profile = whole.profile().withModelHash(model.checkpoint().hash().hex());
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
    public Stage open(int layerBegin, int layerEnd, boolean head) throws IOException {
      return model.openStage(layerBegin, layerEnd, head, options);
    }
  }
}
