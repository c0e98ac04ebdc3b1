package dev.tandem.api;

import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.DraftRuntime;
import dev.tandem.runtime.ServersPart;
import dev.tandem.runtime.SplitOptions;
import dev.tandem.runtime.SplitRuntime;
import dev.tandem.sampling.TopLogits;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.settings.Draft;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a model is split: text, embedding, sampling and the first layers here, the others on a
 * server. {@link Tandem#split} returns it.
 */
public final class SplitBuilder extends EngineBuilder<SplitBuilder> {
  private final List<URI> servers = new ArrayList<>();
  private OptionalInt layers = OptionalInt.empty();
  private boolean measured;
  private Optional<Reply> reply = Optional.empty();
  private int topLogits = TopLogits.DEFAULT_SIZE;
  private RowType wire = RowType.F32;
  private Duration patience = SplitOptions.PATIENCE;
  private Optional<WeightType> approximate = Optional.empty();
  private ConnectionListener listener = ConnectionListener.NONE;
  private ConnectionOptions connection = ConnectionOptions.defaults();

  SplitBuilder(ModelSource source) {
    super(source);
  }

  @Override
  SplitBuilder self() {
    return this;
  }

  /**
   * A server, such as {@code ws://127.0.0.1:8080/v1/split}. Without a path it is the protocol's.
   * With several calls, as few servers as possible are used that hold the layers together, one
   * after another; of equally many, those that answer faster, then those named first. A server that
   * is lost is replaced by itself or by another one of them.
   */
  public SplitBuilder server(URI uri) {
    servers.add(uri);
    return this;
  }

  /** As {@link #server(URI)}. */
  public SplitBuilder server(String uri) {
    return server(URI.create(uri));
  }

  /**
   * Layers {@code 0 .. n-1} run here. Without a call, those that a part of a model holds, and of a
   * whole model none.
   */
  public SplitBuilder layers(int n) {
    layers = OptionalInt.of(n);
    measured = false;
    return this;
  }

  /**
   * As many layers run here as make a token fastest, and the server sends what makes it fastest:
   * both follow from the network and from the speed of both machines, which {@link #connect}
   * measures. That takes about 15 round trips and half a second. {@link SplitModel#chain} says what
   * was chosen, and why. Takes the place of {@link #layers}.
   */
  public SplitBuilder measured() {
    measured = true;
    layers = OptionalInt.empty();
    return this;
  }

  /**
   * What the server sends back. Without a call, hidden rows if the head is here, else logits; and
   * the best logits where these settle what a request draws and take fewer bytes.
   */
  public SplitBuilder reply(Reply value) {
    reply = Optional.of(value);
    return this;
  }

  /**
   * How many of a row's best logits come with {@link Reply#TOPK}: 1 to 1024, and 64 without a call.
   * More of them settle more draws, and make longer messages. The text stays the same.
   */
  public SplitBuilder topLogits(int k) {
    topLogits = k;
    return this;
  }

  /**
   * Guesses tokens here, so that one round trip computes several. The text stays the same. Without
   * a call, nothing is guessed.
   */
  public SplitBuilder draft(Draft value) {
    setDraft(value);
    return this;
  }

  /**
   * How rows travel. Without a call, as f32; with fewer bits the text is no longer that of the
   * whole model.
   */
  public SplitBuilder wire(RowType type) {
    wire = type;
    return this;
  }

  /**
   * The matrices of the client's part are downloaded in a smaller type than the model's: fewer
   * bytes, and the text is no longer that of the whole model. For {@link Tandem#split()} only; a
   * model that is built in is not downloaded, and keeps its own types. Where there are files,
   * {@link #type} converts them.
   */
  public SplitBuilder approximate(WeightType type) {
    approximate = Optional.of(type);
    return this;
  }

  /**
   * How long the client looks for a lost server, or for another one: 2 minutes without a call; zero
   * for not at all. The text then goes on as if nothing had happened, with the same bits.
   */
  public SplitBuilder reconnectTimeout(Duration timeout) {
    InvalidSettingException.require(
        !timeout.isNegative(), "reconnectTimeout", "must be at least 0", timeout);
    patience = timeout;
    return this;
  }

  /** Is called when a server is lost, and when one is found. */
  public SplitBuilder onConnection(ConnectionListener value) {
    listener = value;
    return this;
  }

  /** The key that the server asks for. */
  public SplitBuilder apiKey(String key) {
    connection = connection.withSecurity(connection.security().withApiKey(key));
    return this;
  }

  /**
   * Certificates that a {@code wss} server's certificate is checked with. Without a call, those
   * that Java trusts.
   *
   * @param file one or more certificates, PEM
   */
  public SplitBuilder authority(Path file) {
    connection = connection.withSecurity(connection.security().withAuthority(file));
    return this;
  }

  /** How long the client waits for the connection: 10 s without a call. */
  public SplitBuilder connectTimeout(Duration timeout) {
    connection = connection.withConnectTimeout(timeout);
    return this;
  }

  /** How long the client waits for a sequence to be opened: 60 s without a call. */
  public SplitBuilder openTimeout(Duration timeout) {
    connection = connection.withOpenTimeout(timeout);
    return this;
  }

  /** How long the client waits for a step: 10 minutes without a call. */
  public SplitBuilder stepTimeout(Duration timeout) {
    connection = connection.withStepTimeout(timeout);
    return this;
  }

  /**
   * How often the server is asked for a sign of life: every 10 s without a call. After two without
   * an answer the connection is given up.
   */
  public SplitBuilder pingInterval(Duration interval) {
    connection = connection.withPingInterval(interval);
    return this;
  }

  /**
   * Loads what runs here, after a download if {@link Tandem#split()} was called, and connects.
   *
   * @throws ModelException if the model cannot be opened
   * @throws ServerException if there is no server, or it has another model, other layers or another
   *     arithmetic, or it does not offer what a client without files needs
   * @throws IllegalArgumentException if a setting is out of range, or the model does not hold the
   *     layers that are to run here
   * @throws IllegalStateException if no server was named
   */
  public SplitModel connect() {
    if (servers.isEmpty()) {
      throw new IllegalStateException("no server was named");
    }
    SplitOptions split =
        new SplitOptions(
            servers, layers, measured, reply, topLogits, wire, patience, listener, connection);
    if (!source().isOfServer()) {
      InvalidSettingException.require(
          approximate.isEmpty(),
          "approximate",
          "is for a client without files; convert them instead",
          approximate.map(Enum::name).orElse(""));
      return load(files -> connected(files, split));
    }
    ServersPart part;
    try {
      part = ServersPart.open(source(), split, approximate, progress());
    } catch (IOException e) {
      throw Failures.ofServer(e);
    }
    return load(part.files(), files -> connected(files, part.split()));
  }

  private SplitModel connected(Checkpoint files, SplitOptions split) throws IOException {
    DraftRuntime drafts = drafts(files);
    try {
      return new ServedSplitModel(SplitRuntime.connect(files, settings(), split, drafts));
    } catch (IOException e) {
      throw Failures.ofServer(e);
    }
  }
}
