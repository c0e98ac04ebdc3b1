package dev.tandem.measure;

import dev.tandem.client.ServerConnection;
import dev.tandem.client.StageRequest;
import dev.tandem.client.Traffic;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.engine.Engine;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.BackendChoice;
import dev.tandem.runtime.LocalModel;
import dev.tandem.runtime.ResourceScope;
import dev.tandem.runtime.TensorHashes;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A model to be measured, with its stages at a {@link Placement}. The server of a split runs in
 * this process, over loopback, and has its own engine with the same number of threads.
 */
final class PlacedModel implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final ResourceScope opening = new ResourceScope();
  private final Engine engine;
  private final LocalModel model;
  private final List<Stage> stages = new ArrayList<>();
  private final long weightBytes;
  private Optional<ServerConnection> connected = Optional.empty();

  /**
   * Loads the model and, for a split, starts the server and connects.
   *
   * @param checkpoint must stay open; the caller closes it
   * @throws IOException if the model cannot be read, or the server cannot be reached
   * @throws LinkageError if the native libraries cannot be loaded
   */
  PlacedModel(Checkpoint checkpoint, EngineSettings settings, Placement placement)
      throws IOException {
    this(checkpoint, settings, placement, Optional.empty());
  }

  /**
   * As the other one, with a server that is there already.
   *
   * @param server has the same model; empty for one in this process
   */
  PlacedModel(
      Checkpoint checkpoint, EngineSettings settings, Placement placement, Optional<URI> server)
      throws IOException {
    this.checkpoint = checkpoint;
    try {
      BackendChoice.requireNativeCore(); // the probes are native
      model = opening.add(LocalModel.open(checkpoint, settings));
      engine =
          model.engine().isPresent()
              ? model.engine().get()
              : opening.add(new Engine(settings.threads(), settings.isa()));
      int nLayers = checkpoint.config().nLayers();
      if (server.isPresent()) {
        weightBytes = 0;
        openSplit(server.get(), placement, nLayers);
      } else if (placement.split()) {
        HostedModel hosted =
            opening.add(
                HostedModel.start(
                    checkpoint, settings, ServerOptions.defaults().withAddress("127.0.0.1", 0)));
        weightBytes = hosted.weightBytes();
        openSplit(URI.create(hosted.uri()), placement, nLayers);
      } else {
        Stage whole = local(Span.whole(nLayers));
        weightBytes = LocalModel.weightBytes(whole);
        stages.add(whole);
      }
    } catch (IOException | RuntimeException | Error e) {
      opening.closeAfter(e);
      throw e;
    }
  }

  private void openSplit(URI server, Placement placement, int nLayers) throws IOException {
    int cut = placement.localLayers(nLayers);
    if (cut > 0) {
      stages.add(local(Span.layers(0, cut)));
    }
    ServerConnection connection =
        opening.add(ServerConnection.connect(server, ConnectionOptions.defaults()));
    connected = Optional.of(connection);
    stages.add(
        opening.add(
            connection.stage(
                new StageRequest(
                    new Span(cut, nLayers, placement.reply()),
                    connection.models().get(0).profile(),
                    TensorHashes.of(checkpoint.hash().entries())))));
    if (!stages.get(stages.size() - 1).spec().span().hasHead()) {
      stages.add(local(Span.head(nLayers)));
    }
  }

  private Stage local(Span span) throws IOException {
    return opening.add(model.openStage(span));
  }

  /** The client's engine, which the probes use; the only engine of a whole model in native code. */
  Engine engine() {
    return engine;
  }

  /** The stages in order, the last one with the head. */
  List<Stage> stages() {
    return List.copyOf(stages);
  }

  /** The types of all stages' matrices, e.g. {@code q8_0} or {@code f16+q8_0}. */
  String matrixTypes() {
    Set<DType> types = EnumSet.noneOf(DType.class);
    stages.forEach(stage -> types.addAll(stage.profile().matrixTypes()));
    return types.stream()
        .map(type -> type.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining("+"));
  }

  /** The type of all stages' KV caches. */
  KvType kvType() {
    return stages.get(0).profile().kvType();
  }

  /** What the connection has carried; nothing where there is no server. */
  Traffic traffic() {
    return connected.map(ServerConnection::traffic).orElse(new Traffic(0, 0, 0, 0));
  }

  /** The bytes of weights that a step reads, at both ends together; 0 of a server elsewhere. */
  long weightBytes() {
    return weightBytes;
  }

  /** Closes the stages, the server and the model. */
  @Override
  public void close() {
    opening.close();
  }
}
