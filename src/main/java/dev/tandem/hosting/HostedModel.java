package dev.tandem.hosting;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.runtime.Hosting;
import dev.tandem.runtime.LocalModel;
import dev.tandem.runtime.ResourceScope;
import dev.tandem.runtime.ServedPart;
import dev.tandem.runtime.StageTimer;
import dev.tandem.runtime.TensorHashes;
import dev.tandem.scheduler.SchedulerLoad;
import dev.tandem.scheduler.StageProvider;
import dev.tandem.server.OfferedModel;
import dev.tandem.server.SplitServer;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.util.List;
import java.util.OptionalDouble;

/** A server that offers one model's layers and head to clients. */
public final class HostedModel implements Hosting.Hosted {
  private final LocalModel model;

  /**
   * Kept open so that the weights are in memory before a client connects; all stages share them.
   */
  private final Stage offered;

  private final SplitServer server;

  private HostedModel(
      Checkpoint checkpoint, Checkpoint files, EngineSettings settings, ServerOptions options)
      throws IOException {
    settings.requireRowExact("where a model is split");
    try (ResourceScope scope = new ResourceScope()) {
      model = scope.add(LocalModel.open(checkpoint, settings));
      offered = scope.add(openOffered(checkpoint, model));
      OfferedModel offer =
          new OfferedModel(
              checkpoint.name(),
              checkpoint.config().nLayers(),
              TensorHashes.of(checkpoint.hash().entries()),
              new Provider(checkpoint, model, offered, StageTimer.layerMillis(model, offered)),
              ModelParts.of(files, options.offer()));
      server = SplitServer.start(options, List.of(offer));
      scope.succeeded();
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
    if (checkpoint.approximation().isPresent()) {
      throw new IOException(
          checkpoint.name()
              + ": "
              + checkpoint.approximationInWords().orElseThrow()
              + ", which a server needs");
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
  public static HostedModel start(
      Checkpoint checkpoint, EngineSettings settings, ServerOptions options) throws IOException {
    return new HostedModel(checkpoint, checkpoint, settings, options);
  }

  /**
   * Loads some layers of a model, and listens.
   *
   * @param files must stay open; clients may download their own part of these
   * @param layers without the head, which is offered if it follows them and the files hold it
   * @throws InvalidSettingException if the files do not hold the layers
   * @throws IOException as for all that the files hold
   */
  public static HostedModel start(
      Checkpoint files, Span layers, EngineSettings settings, ServerOptions options)
      throws IOException {
    return new HostedModel(ServedPart.of(files, layers), files, settings, options);
  }

  @Override
  public String uri() {
    return server.uri();
  }

  @Override
  public int port() {
    return server.port();
  }

  @Override
  public List<String> notes() {
    return model.notes();
  }

  @Override
  public int activeSequences() {
    return server.activeSequences();
  }

  /** What its scheduler holds. */
  public SchedulerLoad load() {
    return server.load().get(0);
  }

  /** Memory of the known prompts, which {@link #load} counts as reserved. */
  public long prefixBytes() {
    return server.prefixBytes();
  }

  @Override
  public String span() {
    return offered.spec().span().inWords();
  }

  @Override
  public long weightBytes() {
    return LocalModel.weightBytes(offered);
  }

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
    private final OptionalDouble layerMillis;

    Provider(Checkpoint checkpoint, LocalModel model, Stage widest, OptionalDouble layerMillis)
        throws IOException {
      this.layerMillis = layerMillis;
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
    public OptionalDouble layerMillis() {
      return layerMillis;
    }

    @Override
    public Stage open(Span span) throws IOException {
      return model.openStage(span);
    }
  }
}
