package dev.tandem.client;

import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.protocol.ClientMessage;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameLimits;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Protocol;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.Resumed;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.protocol.TopResult;
import dev.tandem.stage.StageLostException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * A connection to a server. Safe for use by many threads: several generations may share it, each
 * with its own {@link RemoteStage}, or with its own sequences of one stage. Answers find their
 * requests by number.
 */
public final class ServerConnection implements AutoCloseable {
  private final String peer;
  private final ConnectionOptions options;
  private final WireLink link;
  private final Map<Integer, CompletableFuture<ServerMessage>> pending = new ConcurrentHashMap<>();
  private final AtomicInteger lastRequest = new AtomicInteger();
  private final AtomicLong roundTrips = new AtomicLong();
  private volatile FrameLimits frameLimits = new FrameLimits(0, 0);
  private volatile String lost = "";
  private volatile String lastError = "";
  private final AtomicLong fullRows = new AtomicLong();
  private volatile Consumer<Duration> onSilence = since -> {};
  private List<RemoteModel> models = List.of();
  private List<String> features = List.of();

  private ServerConnection(URI uri, ConnectionOptions options) throws IOException {
    this.peer = WireLink.peer(uri);
    this.options = options;
    this.link = WireLink.connect(uri, options, new Inbox());
  }

  /**
   * Connects and asks for the server's offer.
   *
   * @param uri e.g. {@code ws://127.0.0.1:8080/v1/split}; without a path, the protocol's path is
   *     used
   * @throws IOException if there is no server, or it does not answer; the message is for the user
   */
  public static ServerConnection connect(URI uri, ConnectionOptions options) throws IOException {
    URI target = uri.getPath().length() > 1 ? uri : uri.resolve(Protocol.PATH);
    ServerConnection connection = new ServerConnection(target, options);
    try {
      List<RemoteModel> models = new ArrayList<>();
      Info info = connection.info(false);
      connection.features = info.features();
      for (var offer : info.models()) {
        models.add(RemoteModels.read(offer));
      }
      if (models.isEmpty()) {
        throw new IOException("the server at " + connection.peer + " offers no model");
      }
      connection.models = List.copyOf(models);
      return connection;
    } catch (IOException e) {
      connection.close();
      throw e;
    }
  }

  /** The models that the server offers; at least one. */
  public List<RemoteModel> models() {
    return models;
  }

  /**
   * A stage on the server. Closing it closes its sequences, not the connection.
   *
   * @throws IOException if the server's model, layers or profile differ from the requested ones;
   *     the message states both
   */
  public RemoteStage stage(StageRequest request) throws IOException {
    RemoteModel model = RemoteModels.find(models, request, "the server at " + peer);
    if (!request.tensors().isEmpty()) {
      RemoteModels.compareTensors(
          info(true).models(), model, request.tensors(), "the server at " + peer);
    }
    return new RemoteStage(this, model, request);
  }

  /**
   * A stage on the server that answers with the best logits.
   *
   * @param request of a span with the head
   * @param k how many of a row, 1 to 1024
   * @throws IOException as for {@link #stage}, or if the server does not know such answers
   */
  public RemoteTopStage topStage(StageRequest request, int k) throws IOException {
    checkTop();
    RemoteStage stage = stage(request);
    return new RemoteTopStage(stage, stage::open, k);
  }

  /** Whether the server can answer with the best logits. */
  public boolean hasTop() {
    return features.contains(Protocol.TOP_K);
  }

  /**
   * Checks that the server can answer with the best logits.
   *
   * @throws IOException if it cannot
   */
  public void checkTop() throws IOException {
    if (!hasTop()) {
      throw new IOException(
          "the server at "
              + peer
              + " cannot send the best logits only (its version is older); ask for whole rows of"
              + " logits or for hidden rows, or update the server");
    }
  }

  /** Whether the server may know how a prompt of this client begins. */
  boolean knowsPrompts() {
    return features.contains(Protocol.PREFIX);
  }

  /** The traffic of the connection so far. */
  public Traffic traffic() {
    return new Traffic(roundTrips.get(), link.bytesSent(), link.bytesReceived(), fullRows.get());
  }

  /**
   * Asks the server something small.
   *
   * @return nanoseconds until its answer
   */
  long roundTripNanos() throws IOException {
    long begin = System.nanoTime();
    Info unused = info(false);
    return System.nanoTime() - begin;
  }

  /** Closes the connection; the server frees its sequences. Idempotent. */
  @Override
  public void close() {
    link.close();
    fail("the connection to " + peer + " is closed");
  }

  private Info info(boolean tensors) throws IOException {
    ServerMessage answer =
        await(request(id -> new InfoRequest(id, tensors)), options.connectTimeout());
    if (answer instanceof Info info) {
      return info;
    }
    throw unexpected(answer);
  }

  /** Sends a request with a new id; the caller must wait for its answer. */
  CompletableFuture<ServerMessage> request(IntFunction<ClientMessage> message) {
    int request = lastRequest.incrementAndGet();
    CompletableFuture<ServerMessage> answer = expect(request);
    link.sendText(ControlCodec.encodeClient(message.apply(request)));
    countRoundTrip();
    return answer;
  }

  /** Sends a step with a new request id; the caller must wait for its answer. */
  CompletableFuture<ServerMessage> sendStep(IntFunction<ByteBuffer> frame) {
    int request = lastRequest.incrementAndGet();
    CompletableFuture<ServerMessage> answer = expect(request);
    link.sendBinary(frame.apply(request));
    return answer;
  }

  /** Sends a message that has no answer. */
  void tell(ClientMessage message) {
    link.sendText(ControlCodec.encodeClient(message));
  }

  void countRoundTrip() {
    roundTrips.incrementAndGet();
  }

  void countFullRow() {
    fullRows.incrementAndGet();
  }

  ConnectionOptions options() {
    return options;
  }

  String peer() {
    return peer;
  }

  /** Allows result frames of that size. */
  synchronized void allow(int maxRows, int maxColumns, int maxBytes) {
    frameLimits =
        new FrameLimits(
            Math.max(frameLimits.maxRows(), maxRows),
            Math.max(frameLimits.maxColumns(), maxColumns));
    link.allowBinary(maxBytes);
  }

  /**
   * Waits for an answer.
   *
   * @throws IOException if the connection is lost, the time limit passes, or the answer is an error
   */
  ServerMessage await(CompletableFuture<ServerMessage> answer, Duration timeout)
      throws IOException {
    try {
      ServerMessage message = answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      if (message instanceof ErrorMessage error) {
        String problem =
            "the server at " + peer + " refused: " + error.message() + " (" + name(error) + ")";
        throw switch (error.code()) {
          case UNKNOWN_SEQUENCE -> new StageLostException(problem);
          case CAPACITY -> new ServerFullException(problem);
          default -> new IOException(problem);
        };
      }
      return message;
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw cause instanceof StageLostException
          ? new StageLostException(String.valueOf(cause.getMessage()), cause)
          : new IOException(cause.getMessage(), cause);
    } catch (TimeoutException e) {
      throw new IOException(
          "no answer from " + peer + " within " + timeout.toMillis() + " ms; it may be overloaded",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (InterruptedIOException) new InterruptedIOException("interrupted").initCause(e);
    }
  }

  IOException otherResult(String why) {
    return new IOException(
        "the server at " + peer + " sent another result than the requested one: " + why);
  }

  IOException unexpected(ServerMessage answer) {
    return new IOException(
        "the server at " + peer + " answered with " + answer.getClass().getSimpleName());
  }

  private static String name(ErrorMessage error) {
    return error.code().wireName();
  }

  private CompletableFuture<ServerMessage> expect(int request) {
    CompletableFuture<ServerMessage> answer = new CompletableFuture<>();
    pending.put(request, answer);
    var unused = answer.whenComplete((message, failure) -> pending.remove(request));
    if (!lost.isEmpty() && pending.remove(request) != null) {
      answer.completeExceptionally(loss());
    }
    return answer;
  }

  private synchronized void fail(String cause) {
    if (lost.isEmpty()) {
      lost = cause;
    }
    for (Integer request : List.copyOf(pending.keySet())) {
      CompletableFuture<ServerMessage> answer = pending.remove(request);
      if (answer != null) {
        answer.completeExceptionally(loss());
      }
    }
  }

  /** A server that has refused a message would refuse it again. */
  private IOException loss() {
    return lastError.isEmpty() ? new StageLostException(lost) : new IOException(lost);
  }

  /** Calls this when a server is silent from which answers are awaited. */
  void onSilence(Consumer<Duration> listener) {
    onSilence = listener;
  }

  /** Why the connection is lost; empty while it is not. */
  String lostCause() {
    return lost;
  }

  private void answer(int request, ServerMessage message) {
    CompletableFuture<ServerMessage> answer = pending.remove(request);
    if (answer != null) {
      answer.complete(message);
    }
  }

  /** Receives the messages of the server. */
  private final class Inbox implements WireLink.Receiver {
    @Override
    public void text(String text) throws IOException {
      ServerMessage message = ControlCodec.decodeServer(text);
      if (message instanceof Info info) {
        answer(info.request(), info);
      } else if (message instanceof Opened opened) {
        answer(opened.request(), opened);
      } else if (message instanceof Resumed resumed) {
        answer(resumed.request(), resumed);
      } else if (message instanceof ErrorMessage error) {
        if (error.code().closesConnection()) {
          lastError = error.message() + " (" + name(error) + ")";
        }
        answer(error.request(), error);
      }
    }

    @Override
    public void binary(ByteBuffer bytes) throws IOException {
      ServerMessage message = FrameCodec.decodeAnswer(bytes, frameLimits);
      if (message instanceof Result result) {
        answer(result.header().request(), result);
      } else if (message instanceof TopResult top) {
        answer(top.header().request(), top);
      }
    }

    @Override
    public void silent(Duration since) {
      if (!pending.isEmpty()) {
        onSilence.accept(since);
      }
    }

    @Override
    public void lost(IOException cause) {
      fail(
          lastError.isEmpty()
              ? String.valueOf(cause.getMessage())
              : "the server at " + peer + " refused: " + lastError);
    }
  }
}
