package dev.tandem.api;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.scheduler.StageProvider;
import dev.tandem.server.OfferedModel;
import dev.tandem.server.ServerOptions;
import dev.tandem.server.SplitServer;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.util.List;

/**
 * A server that offers one model's layers and head to clients.
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
  private final LocalModel model;

  /**
   * Kept open so that the weights are in memory before a client connects; all stages share them.
   */
  private final Stage offered;

  private final SplitServer server;

  private ModelServer(Checkpoint checkpoint, EngineSettings settings, ServerOptions options)
      throws IOException {
    settings.requireRowExact();
    try (Opening opening = new Opening()) {
      model = opening.add(LocalModel.open(checkpoint, settings));
      offered = opening.add(openOffered(checkpoint, model));
      OfferedModel offer =
          new OfferedModel(
              checkpoint.name(),
              checkpoint.config().nLayers(),
              TensorHashes.of(checkpoint.hash().entries()),
              new Provider(checkpoint, model, offered));
      server = SplitServer.start(options, List.of(offer));
      opening.succeeded();
    }
  }

  /**
   * The span that the checkpoint holds: its layers, and the head if it follows the last of them.
   */
  private static Stage openOffered(Checkpoint checkpoint, LocalModel model) throws IOException {
    ModelPart part = checkpoint.part();
    int nLayers = checkpoint.config().nLayers();
    if (!part.layers().hasLayers() && !part.head()) {
      throw new IOException(checkpoint.name() + " has no layers and no head: nothing to serve");
    }
    if (!checkpoint.knowsHash()) {
      throw new IOException(
          checkpoint.name()
              + " does not state which model it is a part of, so no client can check it");
    }
    Span layers = part.layers().hasLayers() ? part.layers() : Span.layers(nLayers, nLayers);
    boolean head = part.head() && layers.end() == nLayers;
    return model.openStage(head ? Span.toLogits(layers.begin(), nLayers) : layers);
  }

  /**
   * Loads the model, or the checkpoint's part of it, and listens.
   *
   * @param checkpoint must stay open; the caller closes it after the server
   * @throws IOException if the model cannot be read, the checkpoint holds nothing to serve, or the
   *     server cannot listen on the address
   * @throws IllegalArgumentException if the backend is for whole models only
   */
  public static ModelServer start(
      Checkpoint checkpoint, EngineSettings settings, ServerOptions options) throws IOException {
    return new ModelServer(checkpoint, settings, options);
  }

  /** The address for clients, e.g. {@code ws://127.0.0.1:8080/v1/split}. */
  public String uri() {
    return server.uri();
  }

  /** The port of the server. */
  public int port() {
    return server.port();
  }

  /** Notes for the user about the computation on this machine; one line each. */
  public List<String> notes() {
    return model.notes();
  }

  /** Sequences whose memory is reserved. */
  public int activeSequences() {
    return server.activeSequences();
  }

  /** The bytes of weights that a step of the whole offer reads. */
  public long weightBytes() {
    return LocalModel.weightBytes(offered);
  }

  /** Stops serving and frees the model; idempotent. */
  @Override
  public void close() {
    server.close();
    offered.close();
    model.close();
  }

  /** Opens this model's stages for the scheduler. */
  private static final class Provider implements StageProvider {
    private final LocalModel model;
    private final StageSpec offered;
    private final ArithmeticProfile profile;

    Provider(Checkpoint checkpoint, LocalModel model, Stage widest) throws IOException {
      this.model = model;
      this.offered = widest.spec();
      this.profile = widest.profile().withModelHash(checkpoint.hash().hex());
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
