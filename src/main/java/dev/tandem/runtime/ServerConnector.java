package dev.tandem.runtime;

import dev.tandem.client.RemoteModel;
import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.ServerStage;
import dev.tandem.client.StageRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileException;
import dev.tandem.settings.Reply;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Connects to the first of some servers that has this client's model and the requested layers.
 * Every further connection must have the arithmetic of the first one, so that its bits are the
 * same.
 */
final class ServerConnector implements ServerStage.Connector {
  private final Checkpoint checkpoint;
  private final EngineSettings settings;
  private final SplitOptions split;
  private final Span span;
  private final Reply reply;
  private @Nullable ArithmeticProfile first;

  /**
   * @param checkpoint the client's model or part
   * @param span what the server computes
   * @param reply what it sends
   */
  ServerConnector(
      Checkpoint checkpoint, EngineSettings settings, SplitOptions split, Span span, Reply reply) {
    this.checkpoint = checkpoint;
    this.settings = settings;
    this.split = split;
    this.span = span;
    this.reply = reply;
  }

  @Override
  public RemoteStage connect() throws IOException {
    IOException failure = new IOException("no server was named");
    for (URI server : split.servers()) {
      try {
        return connect(server);
      } catch (IOException e) {
        if (!split.servers().get(0).equals(server)) {
          e.addSuppressed(failure);
        }
        failure = e;
      }
    }
    throw failure;
  }

  private RemoteStage connect(URI server) throws IOException {
    ServerConnection connection = ServerConnection.connect(server, split.connection());
    boolean usable = false;
    try {
      RemoteModel remote = sameModel(connection.models());
      checkProfile(remote.profile());
      if (reply == Reply.TOPK) {
        connection.checkTop();
      }
      ArithmeticProfile expected = first == null ? remote.profile() : first;
      RemoteStage stage =
          connection.stage(
              new StageRequest(
                  span,
                  expected,
                  split.wire(),
                  split.wire(),
                  TensorHashes.of(checkpoint.heldTensors())));
      first = expected;
      usable = true;
      return stage;
    } finally {
      if (!usable) {
        connection.close();
      }
    }
  }

  /**
   * Finds the model with this checkpoint's hash. A part without a hash relies on the server, except
   * for its own tensors, which are compared with the server's list when the stage is opened.
   */
  private RemoteModel sameModel(List<RemoteModel> offered) throws IOException {
    if (!checkpoint.knowsHash()) {
      Optional<RemoteModel> fitting = offered.stream().filter(this::hasShape).findFirst();
      return sameShape(fitting.orElse(offered.get(0)));
    }
    String hash = checkpoint.hash().hex();
    for (RemoteModel model : offered) {
      if (model.profile().modelHash().equals(hash)) {
        return sameShape(model);
      }
    }
    throw offered.get(0).isNot("the server", checkpoint.name(), hash);
  }

  /** A known hash covers the config, so only a dishonest server fails this check. */
  private RemoteModel sameShape(RemoteModel remote) throws IOException {
    if (!hasShape(remote)) {
      ModelConfig config = checkpoint.config();
      StageSpec offered = remote.offered();
      throw new IOException(
          String.format(
              Locale.ROOT,
              "the server describes model %s with %d layers, %d columns, %d tokens and %d positions,"
                  + " this client has %d, %d, %d and %d",
              remote.name(),
              remote.nLayers(),
              offered.dModel(),
              offered.vocabSize(),
              offered.maxSeq(),
              config.nLayers(),
              config.dModel(),
              config.vocabSize(),
              config.maxSeq()));
    }
    return remote;
  }

  private boolean hasShape(RemoteModel remote) {
    ModelConfig config = checkpoint.config();
    StageSpec offered = remote.offered();
    return remote.nLayers() == config.nLayers()
        && offered.dModel() == config.dModel()
        && offered.vocabSize() == config.vocabSize()
        && offered.maxSeq() <= config.maxSeq();
  }

  /**
   * Checks the server's arithmetic against the client's settings.
   *
   * @throws ProfileException if they differ
   */
  private void checkProfile(ArithmeticProfile served) throws ProfileException {
    ArithmeticProfile requested =
        new ArithmeticProfile(
            served.modelHash(),
            served.matrixTypes(),
            settings.activationEval().orElse(served.activationEval()),
            settings.kvType().orElse(served.kvType()),
            settings.reproducible() ? ArithmeticMode.REPRODUCIBLE : served.mode(),
            settings.chunkRows() == 0 ? served.chunkRows() : settings.chunkRows(),
            served.promptKernels(),
            served.blas());
    List<ProfileDifference> differences = requested.differences(served);
    if (!differences.isEmpty()) {
      throw new ProfileException("the server", differences);
    }
  }
}
