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
import dev.tandem.weights.ModelPart;
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
  private final LocalStage offered;

  private final SplitServer server;

  private ModelServer(Checkpoint checkpoint, EngineSettings settings, ServerOptions options)
      throws IOException {
    try (Opening opening = new Opening()) {
      engine = opening.add(new Engine(settings.threads(), settings.isa()));
      model = opening.add(engine.load(checkpoint));
      StageOptions stageOptions = settings.stageOptions(checkpoint);
      offered = opening.add(openOffered(model, stageOptions));
      OfferedModel offer =
          new OfferedModel(
              checkpoint.name(),
              checkpoint.config().nLayers(),
              TensorHashes.of(checkpoint.hash().entries()),
              new Provider(model, offered, stageOptions));
      server = SplitServer.start(options, List.of(offer));
      opening.succeeded();
    }
  }

  /** All that the checkpoint holds: its blocks, and the head if that follows the last of them. */
  private static LocalStage openOffered(LoadedModel model, StageOptions options)
      throws IOException {
    Checkpoint checkpoint = model.checkpoint();
    ModelPart part = checkpoint.part();
    int nLayers = checkpoint.config().nLayers();
    if (!part.hasBlocks() && !part.head()) {
      throw new IOException(checkpoint.name() + " holds no blocks and no head: nothing to serve");
    }
    if (!checkpoint.knowsHash()) {
      throw new IOException(
          checkpoint.name()
              + " does not say which model it is a part of: no client could trust it");
    }
    int begin = part.hasBlocks() ? part.layerBegin() : nLayers;
    int end = part.hasBlocks() ? part.layerEnd() : nLayers;
    return model.openStage(begin, end, part.head() && end == nLayers, options);
  }

  /**
   * Loads the model, or the part that the checkpoint holds, and listens.
   *
   * @param checkpoint stays the caller's, who closes it after the server
   * @throws IOException if the model cannot be read, the checkpoint holds nothing to serve, or the
   *     address cannot be listened on
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

  /** Bytes of weights that a step of all that is offered reads. */
  long weightBytes() {
    return offered.weightBytes();
  }

  /** Stops serving and frees the model; idempotent. */
  @Override
  public void close() {
    server.close();
    offered.close();
    model.close();
    engine.close();
  }

  /** Opens this model's stages for the scheduler. */
  private static final class Provider implements StageProvider {
    private final LoadedModel model;
    private final StageOptions options;
    private final StageSpec offered;
    private final ArithmeticProfile profile;

    Provider(LoadedModel model, Stage widest, StageOptions options) throws IOException {
      this.model = model;
      this.options = options;
      this.offered = widest.spec();
      this.profile = widest.profile().withModelHash(model.checkpoint().hash().hex());
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
