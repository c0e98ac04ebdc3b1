package dev.tandem.api;

import dev.tandem.endpoints.PrefixCaching;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.runtime.Hosting;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Offer;
import dev.tandem.stage.Span;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.ServiceLoader;

/** How a model's layers and head are offered to clients. {@link Tandem#server} returns it. */
public final class ServerBuilder extends EngineBuilder<ServerBuilder> {
  private ServerOptions options = ServerOptions.defaults();
  private Optional<Span> layers = Optional.empty();

  ServerBuilder(ModelSource source) {
    super(source);
  }

  @Override
  ServerBuilder self() {
    return this;
  }

  /**
   * Loads and offers layers {@code begin .. end - 1} only, and the head if the last layer is among
   * them and the files hold it. Without a call, everything that the files hold. A client that is
   * given several such servers uses them one after another.
   *
   * @param end equal to {@code begin} and to the number of layers for the head alone
   * @throws IllegalArgumentException if this is no range
   */
  public ServerBuilder layers(int begin, int end) {
    InvalidSettingException.require(
        begin >= 0 && begin <= end, "servedLayers", "must be a range", begin + ":" + end);
    layers = Optional.of(Span.layers(begin, end));
    return this;
  }

  /** The host name or address to listen on: 127.0.0.1 without a call. */
  public ServerBuilder address(String address) {
    options = options.withAddress(address, options.port());
    return this;
  }

  /**
   * The port to listen on: 8080 without a call; 0 picks one.
   *
   * @throws IllegalArgumentException if it is not in 0..65535
   */
  public ServerBuilder port(int port) {
    options = options.withAddress(options.address(), port);
    return this;
  }

  /**
   * Clients at once: at most 256 without a call.
   *
   * @throws IllegalArgumentException if it is not at least 1
   */
  public ServerBuilder maxConnections(int n) {
    options = options.withMaxConnections(n);
    return this;
  }

  /**
   * Open sequences at once: at most 64 without a call.
   *
   * @throws IllegalArgumentException if it is not at least 1
   */
  public ServerBuilder maxSequences(int n) {
    options = options.withSequences(n, options.maxContext());
    return this;
  }

  /**
   * Positions of a sequence: at most as many as the model allows, without a call.
   *
   * @throws IllegalArgumentException if it is not at least 1
   */
  public ServerBuilder maxContext(int n) {
    options = options.withSequences(options.maxSequences(), n);
    return this;
  }

  /**
   * TLS with this certificate; without a call, the server speaks none.
   *
   * @param chain the certificate, and those up to its authority, PEM
   * @param privateKey the certificate's private key, PEM
   */
  public ServerBuilder tls(Path chain, Path privateKey) {
    options = options.withSecurity(options.security().withTls(chain, privateKey));
    return this;
  }

  /**
   * Only clients with one of these keys are served; without a call, everyone is.
   *
   * @param file each line a name, the SHA-256 of the key, and perhaps {@code connections=N}, {@code
   *     sequences=N} and {@code kv=SIZE}; see docs/security.md
   */
  public ServerBuilder apiKeys(Path file) {
    options = options.withSecurity(options.security().withApiKeys(file));
    return this;
  }

  /**
   * Clients at once from one address: at most 64 without a call.
   *
   * @throws IllegalArgumentException if it is not at least 1
   */
  public ServerBuilder maxConnectionsPerAddress(int n) {
    options = options.withSecurity(options.security().withMaxConnectionsPerAddress(n));
    return this;
  }

  /**
   * Sequences of one address at once, over all its connections: at most 128 without a call. Those
   * that wait to be opened count, and so do those of lost connections, which give way first.
   *
   * @throws IllegalArgumentException if it is not at least 1
   */
  public ServerBuilder maxSequencesPerAddress(int n) {
    options = options.withSecurity(options.security().withMaxSequencesPerAddress(n));
    return this;
  }

  /**
   * What clients without files may download of the model: {@link Offer#HEAD} without a call, as far
   * as the server's files hold it. See docs/security.md: it gives these weights away.
   */
  public ServerBuilder offer(Offer value) {
    options = options.withOffer(value);
    return this;
  }

  /**
   * Memory for the beginnings of prompts, so that a client with the same API key need neither send
   * nor wait for them again: none without a call. Nothing is kept for clients without a key, except
   * by {@link #sharePrefixes}. What the clients of a key get does not change, but from the time of
   * an answer they can tell whether one of them sent such a prompt before; see docs/security.md.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public ServerBuilder prefixCache(long bytes) {
    options = options.withPrefixes(new PrefixCaching(bytes, options.prefixes().shared()));
    return this;
  }

  /** Beginnings of prompts are also kept for clients without an API key, who all share them. */
  public ServerBuilder sharePrefixes() {
    options = options.withPrefixes(new PrefixCaching(options.prefixes().bytes(), true));
    return this;
  }

  /**
   * The time between pings to clients: 10 s without a call.
   *
   * @throws IllegalArgumentException if it is not at least 1 ms
   */
  public ServerBuilder pingInterval(Duration interval) {
    options = options.withTimes(options.times().withPingInterval(interval));
    return this;
  }

  /**
   * How long {@link ModelServer#close} lets running generations go on: 2 s without a call. It takes
   * no new ones, and ends as soon as no client has sent a step for 2 s, or half of this time.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public ServerBuilder drainTimeout(Duration timeout) {
    options = options.withTimes(options.times().withDrain(timeout));
    return this;
  }

  /**
   * How long the sequences of a lost connection are kept, so that their client can resume them: 60
   * s without a call; zero: not at all.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public ServerBuilder resumeGrace(Duration grace) {
    options = options.withTimes(options.times().withResumeGrace(grace));
    return this;
  }

  /**
   * Memory for KV caches: each sequence reserves what its positions may need, before it is opened.
   * Without a call, as much as {@link #maxSequences} sequences of {@link #maxContext} positions
   * need. It is used only as the sequences fill.
   *
   * @throws IllegalArgumentException if it is not at least 1
   */
  public ServerBuilder kvBudget(long bytes) {
    options = options.withKvBudget(bytes);
    return this;
  }

  /**
   * How long a client waits for room for a sequence, before it is refused: 10 s without a call;
   * zero: not at all.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public ServerBuilder queueTimeout(Duration timeout) {
    options = options.withTimes(options.times().withQueue(timeout));
    return this;
  }

  /**
   * A sequence without a step for this long is closed, if another one needs its room: 60 s without
   * a call. Its client computes its rows again when it goes on; the bits stay the same.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public ServerBuilder idleTimeout(Duration timeout) {
    options = options.withTimes(options.times().withIdle(timeout));
    return this;
  }

  /**
   * Loads the model, or the part that the files hold or {@link #layers} names, and listens.
   *
   * @throws ModelException if the model cannot be opened, or holds nothing to serve
   * @throws ServerException if the address cannot be listened on
   * @throws IllegalArgumentException if a setting is out of range
   * @throws UnsupportedOperationException if this program's jar holds no server
   */
  public ModelServer start() {
    Hosting hosting =
        ServiceLoader.load(Hosting.class, Hosting.class.getClassLoader())
            .findFirst()
            .orElseThrow(() -> new UnsupportedOperationException("this jar holds no server"));
    return load(
        files -> new HostedServer(files, hosting.start(files, layers, settings(), options)));
  }
}
