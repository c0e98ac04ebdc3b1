package dev.tandem.server;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameLimits;
import dev.tandem.protocol.Protocol;
import dev.tandem.scheduler.SchedulerLoad;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.ServerWebSocketHandshake;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running server. */
public final class SplitServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SplitServer.class);

  /** Frames a little above the limit are still read, so that their sender gets a proper error. */
  private static final int FRAME_SLACK_BYTES = 64 * 1024;

  /**
   * After this many ping intervals without a finished write, TCP is closed. Pings are always being
   * written, so such a client does not read, and a close frame would only wait behind the rest.
   */
  private static final long WRITE_IDLE_INTERVALS = 4;

  private static final int CLOSING_TIMEOUT_SECONDS = 2;

  /** A connection must have sent its request by then. */
  private static final long HANDSHAKE_MILLIS = 10_000;

  private static final long START_SECONDS = 30;

  /** A connection that has not sent its request, and the timer that closes it. */
  private record Handshake(ClientAddress address, long timer) {}

  private final ServerOptions options;
  private final List<ModelService> models;
  private final PartDownloads downloads;
  private final FrameLimits frameLimits;
  private final Admission admission;

  // Only the event loop uses these; the keys are the clients' addresses with their ports.
  private final Map<String, Handshake> handshakes = new HashMap<>();
  private final Map<String, Client> admitted = new HashMap<>();

  private final Vertx vertx;
  private final ResumableSequences resumable;
  private final HttpServer http;
  private final Set<ClientConnection> connections = ConcurrentHashMap.newKeySet();
  private final ExecutorService selecting = Executors.newSingleThreadExecutor(SplitServer::daemon);
  private final SecureRandom random = new SecureRandom();
  private final AtomicBoolean closed = new AtomicBoolean();

  private SplitServer(ServerOptions options, List<ModelService> models, Admission admission) {
    this.options = options;
    this.admission = admission;
    this.models = models;
    this.downloads = new PartDownloads(models);
    this.frameLimits =
        new FrameLimits(
            models.stream().mapToInt(m -> m.frameLimits().maxRows()).max().orElseThrow(),
            models.stream().mapToInt(m -> m.frameLimits().maxColumns()).max().orElseThrow());
    this.vertx =
        Vertx.vertx(
            new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(1)
                .setInternalBlockingPoolSize(1)
                .setUseDaemonThread(true)
                .setFileSystemOptions(
                    new FileSystemOptions()
                        .setClassPathResolvingEnabled(false)
                        .setFileCachingEnabled(false)));
    this.resumable = new ResumableSequences(vertx, options.times().resumeGrace().toMillis());
    int maxMessage = FrameHeader.messageBytes(frameLimits.maxRows(), frameLimits.maxColumns());
    HttpServerOptions network =
        new HttpServerOptions()
            // No client needs HTTP/2, and most published faults of HTTP servers are in it.
            .setHttp2ClearTextEnabled(false)
            .setUseAlpn(false)
            .setMaxWebSocketFrameSize(Math.addExact(maxMessage, FRAME_SLACK_BYTES))
            .setMaxWebSocketMessageSize(Math.addExact(maxMessage, FRAME_SLACK_BYTES))
            .setPerMessageWebSocketCompressionSupported(false)
            .setPerFrameWebSocketCompressionSupported(false)
            .setWebSocketClosingTimeout(CLOSING_TIMEOUT_SECONDS)
            .setTcpNoDelay(true)
            .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
            .setWriteIdleTimeout(
                Math.toIntExact(WRITE_IDLE_INTERVALS * options.times().pingInterval().toMillis()));
    if (isSecure()) {
      network
          .setSsl(true)
          .setKeyCertOptions(
              new PemKeyCertOptions()
                  .setCertPath(options.security().certificate().orElseThrow().toString())
                  .setKeyPath(options.security().privateKey().orElseThrow().toString()));
    }
    this.http = vertx.createHttpServer(network);
    http.connectionHandler(this::expectRequest);
    http.requestHandler(this::answer);
    http.webSocketHandshakeHandler(this::admit);
    http.webSocketHandler(this::connected);
  }

  /**
   * Listens and serves until {@link #close}.
   *
   * @param models at least one, with different model hashes; closing the server closes the stages
   *     that it opened, not the providers
   * @throws IOException if the server cannot listen on the address; the message is for the user
   */
  public static SplitServer start(ServerOptions options, List<OfferedModel> models)
      throws IOException {
    if (models.isEmpty()) {
      throw new IllegalArgumentException("no model to serve");
    }
    // Resolved here: a literal address keeps Vert.x from starting a DNS client.
    String address;
    try {
      address = InetAddress.getByName(options.address()).getHostAddress();
    } catch (UnknownHostException e) {
      throw new IOException("there is no address " + options.address() + " on this network", e);
    }
    Admission admission = new Admission(options);
    SplitServer server =
        new SplitServer(
            options,
            models.stream().map(model -> new ModelService(model, options)).toList(),
            admission);
    try {
      join(server.http.listen(options.port(), address));
    } catch (IOException e) {
      server.close();
      if (e.getCause() instanceof BindException) {
        throw new IOException(
            "cannot listen on port "
                + options.port()
                + " of "
                + options.address()
                + " ("
                + e.getMessage()
                + "); choose another port, or 0 for any free port",
            e);
      }
      throw e;
    }
    log.info("listening on {}", server.uri());
    return server;
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "tandem-selection");
    thread.setDaemon(true);
    return thread;
  }

  private static void join(Future<?> future) throws IOException {
    try {
      future.toCompletionStage().toCompletableFuture().get(START_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException(cause.getMessage(), cause);
    } catch (TimeoutException e) {
      throw new IOException("the network did not answer within " + START_SECONDS + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** The port of the server. */
  public int port() {
    return http.actualPort();
  }

  /** The address for clients, e.g. {@code ws://127.0.0.1:8080/v1/split}. */
  public String uri() {
    String host = options.address();
    String scheme = isSecure() ? "wss://" : "ws://";
    return scheme + (host.contains(":") ? "[" + host + "]" : host) + ":" + port() + Protocol.PATH;
  }

  /** The number of sequences whose memory is reserved. */
  public int activeSequences() {
    return models.stream().mapToInt(model -> model.scheduler().activeSequences()).sum();
  }

  /** The bytes of what is kept of prompts. */
  public long prefixBytes() {
    return models.stream().mapToLong(model -> model.scheduler().prefixBytes()).sum();
  }

  /** What the sequences of all models use at the moment. */
  public List<SchedulerLoad> load() {
    return models.stream().map(model -> model.scheduler().load()).toList();
  }

  /** The number of open connections. */
  public int activeConnections() {
    return connections.size();
  }

  /** Refuses new work, waits briefly for running steps, then frees everything; idempotent. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    models.forEach(ModelService::close);
    connections.forEach(c -> c.close(ClientConnection.GOING_AWAY, ClientConnection.SHUTTING_DOWN));
    downloads.close();
    try {
      awaitSelections();
      join(http.close());
      join(vertx.close());
    } catch (IOException e) {
      log.warn("the network did not close: {}", e.getMessage());
    }
  }

  private boolean isSecure() {
    return options.security().certificate().isPresent();
  }

  /** A connection that does not send its request soon is closed. */
  private void expectRequest(HttpConnection connection) {
    String peer = String.valueOf(connection.remoteAddress());
    ClientAddress address = admission.address(connection.remoteAddress());
    if (address.requests().isFull()) {
      connection.close();
      return;
    }
    long timer = vertx.setTimer(HANDSHAKE_MILLIS, id -> connection.close());
    address.requests().take();
    handshakes.put(peer, new Handshake(address, timer));
    connection.closeHandler(v -> requestCame(peer));
  }

  private void requestCame(String peer) {
    Handshake handshake = handshakes.remove(peer);
    if (handshake != null) {
      vertx.cancelTimer(handshake.timer());
      handshake.address().requests().giveBack();
      handshake.address().gaveBack();
    }
  }

  /** Waits until the connections know that they close. */
  private void awaitSelections() throws IOException {
    selecting.shutdown();
    try {
      if (!selecting.awaitTermination(START_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("the best logits were not found within " + START_SECONDS + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private void answer(HttpServerRequest request) {
    requestCame(String.valueOf(request.remoteAddress()));
    request.response().putHeader("connection", "close");
    Admission.Decision decision = admission.identify(request.headers());
    if (decision.account().isEmpty()) {
      request.response().setStatusCode(decision.status()).end("refused\n");
    } else if (request.path().equals(Protocol.PART_PATH)) {
      downloads.answer(request, vertx.getOrCreateContext());
    } else if (!request.path().equals(Protocol.INFO_PATH)) {
      request.response().setStatusCode(404).end("not found\n");
    } else if (!request.method().equals(HttpMethod.GET)) {
      request.response().setStatusCode(405).putHeader("allow", "GET").end("use GET\n");
    } else {
      request
          .response()
          .putHeader("content-type", "application/json")
          .end(
              ControlCodec.encodeServer(
                  Replies.info(
                      models,
                      Replies.features(resumable.isOffered(), decision.account().get()),
                      0,
                      false)));
    }
  }

  private void admit(ServerWebSocketHandshake handshake) {
    requestCame(String.valueOf(handshake.remoteAddress()));
    if (!handshake.path().equals(Protocol.PATH)) {
      handshake.reject(404);
    } else if (closed.get()) {
      handshake.reject(503);
    } else {
      SocketAddress address = handshake.remoteAddress();
      Admission.Entry entry = admission.enter(handshake.headers(), address);
      if (entry.client().isEmpty()) {
        handshake.reject(entry.status());
        return;
      }
      Client client = entry.client().get();
      admitted.put(String.valueOf(address), client);
      var unused =
          handshake
              .accept()
              .onFailure(
                  e -> {
                    if (admitted.remove(String.valueOf(address)) != null) {
                      admission.left(client);
                    }
                  });
    }
  }

  private void connected(ServerWebSocket socket) {
    Client client = admitted.remove(String.valueOf(socket.remoteAddress()));
    if (client == null) {
      throw new IllegalStateException("a client that was not admitted");
    }
    int epoch = 1 + random.nextInt(Integer.MAX_VALUE);
    connections.add(
        new ClientConnection(
            vertx,
            socket,
            models,
            client,
            frameLimits,
            epoch,
            resumable,
            selecting,
            options.times().pingInterval().toMillis(),
            connection -> {
              connections.remove(connection);
              admission.left(client);
            }));
  }
}
