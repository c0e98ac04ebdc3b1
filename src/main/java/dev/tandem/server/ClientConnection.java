package dev.tandem.server;

import dev.tandem.protocol.ClientMessage;
import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameLimits;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.RowRequest;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.protocol.Step;
import dev.tandem.scheduler.Lane;
import dev.tandem.scheduler.ScheduleException;
import dev.tandem.scheduler.ScheduledSequence;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One client: its messages, its sequences and its pings. Only the event loop uses it. */
final class ClientConnection {
  private static final Logger log = LoggerFactory.getLogger(ClientConnection.class);

  /** After this many silent intervals a client counts as dead: two pings were unanswered. */
  private static final int DEAD_AFTER_INTERVALS = 3;

  /** WebSocket close codes (RFC 6455, section 7.4.1). */
  static final short GOING_AWAY = 1001;

  static final String SHUTTING_DOWN = "the server is shutting down";

  private static final short PROTOCOL_ERROR = 1002;
  private static final short MESSAGE_TOO_BIG = 1009;
  private static final short INTERNAL_ERROR = 1011;

  /** A model, and this connection's lane in its scheduler. */
  private record Share(ModelService model, Lane lane) {}

  /** The best logits of a step, as a frame, and its rows. */
  private record Selected(ByteBuffer answer, FloatBuffer rows) {}

  private final ServerWebSocket socket;
  private final List<ModelService> models;
  private final ClientAccount account;
  private final FrameLimits frameLimits;
  private final int epoch;
  private final Executor selecting;
  private final String peer;
  private final Vertx vertx;
  private final Context context;
  private final MessageAssembler assembler;
  private final Outbound outbound;
  private final List<Share> shares;
  private final Map<Integer, ServedSequence> sequences = new HashMap<>();
  private final long pingTimer;
  private int lastSequence;
  private int silentIntervals;
  private boolean closing;

  /**
   * A connection.
   *
   * @param selecting one thread, which finds the best logits: beside the event loop and the engine
   */
  ClientConnection(
      Vertx vertx,
      ServerWebSocket socket,
      List<ModelService> models,
      ClientAccount account,
      FrameLimits frameLimits,
      int epoch,
      Executor selecting,
      long pingIntervalMillis,
      Consumer<ClientConnection> onClosed) {
    this.vertx = vertx;
    this.socket = socket;
    this.models = models;
    this.account = account;
    this.frameLimits = frameLimits;
    this.epoch = epoch;
    this.selecting = selecting;
    this.context = vertx.getOrCreateContext();
    this.peer = String.valueOf(socket.remoteAddress());
    this.assembler =
        new MessageAssembler(
            FrameHeader.messageBytes(frameLimits.maxRows(), frameLimits.maxColumns()));
    this.shares = models.stream().map(model -> new Share(model, model.lane(account))).toList();
    this.outbound = new Outbound(socket, this::pause, this::resume, () -> silentIntervals = 0);
    socket.frameHandler(this::receive);
    socket.pongHandler(v -> silentIntervals = 0);
    socket.exceptionHandler(this::failed);
    socket.closeHandler(
        v -> {
          release();
          onClosed.accept(this);
        });
    this.pingTimer = vertx.setPeriodic(pingIntervalMillis, id -> checkLife());
    log.debug("{} connected", peer);
  }

  /** A failure below the messages: broken frames, or the network. */
  private void failed(Throwable cause) {
    log.debug("{}: {}", peer, cause.toString());
    closeNow(PROTOCOL_ERROR, "broken frame");
  }

  /** Closes the connection after the answers that are being made; may be called by any thread. */
  void close(short status, String reason) {
    selecting.execute(() -> context.runOnContext(v -> closeNow(status, reason)));
  }

  private void closeNow(short status, String reason) {
    if (!closing) {
      release();
      socket.close(status, reason);
    }
  }

  /** Frees the resources of the connection. */
  private void release() {
    if (!closing) {
      closing = true;
      vertx.cancelTimer(pingTimer);
      shares.stream().map(Share::lane).forEach(Lane::close);
      account.closeSequences(sequences.size());
      sequences.clear();
      log.debug("{} disconnected", peer);
    }
  }

  private void checkLife() {
    silentIntervals++;
    if (silentIntervals >= DEAD_AFTER_INTERVALS) {
      log.info("{} does not answer, closing", peer);
      closeNow(GOING_AWAY, "no sign of life");
    } else {
      outbound.ping();
    }
  }

  /** The client does not read: stops reading from it and computing for it. */
  private void pause() {
    shares.stream().map(Share::lane).forEach(Lane::pause);
    socket.pause();
  }

  private void resume() {
    silentIntervals = 0;
    if (!closing) {
      shares.stream().map(Share::lane).forEach(Lane::resume);
      socket.resume();
    }
  }

  private void receive(WebSocketFrame frame) {
    guard(() -> receiveGuarded(frame));
  }

  private void receiveGuarded(WebSocketFrame frame) {
    silentIntervals = 0;
    if (closing || !(frame.isText() || frame.isBinary() || frame.isContinuation())) {
      return;
    }
    try {
      Optional<MessageAssembler.Message> message = assembler.add(frame);
      if (message.isPresent()) {
        handle(message.get());
      }
    } catch (ProtocolException e) {
      refuse(e);
    }
  }

  private void handle(MessageAssembler.Message message) throws ProtocolException {
    ClientMessage decoded =
        message.isText()
            ? ControlCodec.decodeClient(message.text())
            : FrameCodec.decodeStep(message.bytes(), frameLimits);
    if (decoded instanceof Step step) {
      step(step);
    } else if (decoded instanceof Open open) {
      open(open);
    } else if (decoded instanceof CloseSequence close) {
      closeSequence(close.sequence());
    } else if (decoded instanceof RowRequest request) {
      row(request);
    } else if (decoded instanceof InfoRequest info) {
      reply(Replies.info(models, info.request(), info.tensors()));
    }
  }

  private void open(Open open) throws ProtocolException {
    Share share = share(open);
    share.model().check(open);
    if (!account.openSequence()) {
      throw ModelService.refused(
          ErrorCode.CAPACITY,
          open,
          "the clients of key "
              + account.name()
              + " may have "
              + account.maxSequences()
              + " sequences together");
    }
    whenDone(
        share.lane().open(open.span(), open.maxPositions()),
        opened -> opened(open, share.model(), opened),
        failure -> {
          account.closeSequences(1);
          refuse(Replies.refusal(failure, open.request(), 0));
        });
  }

  private Share share(Open open) throws ProtocolException {
    for (Share share : shares) {
      if (open.model().isEmpty() || open.model().equals(share.model().hash())) {
        return share;
      }
    }
    throw ModelService.refused(
        ErrorCode.MODEL,
        open,
        "model " + open.model() + " is not served; " + models.get(0).hash() + " is");
  }

  private void opened(Open open, ModelService model, ScheduledSequence scheduled) {
    if (closing) {
      account.closeSequences(1); // closing the lane has freed it
      return;
    }
    SequenceLimits limits = model.limits(scheduled.spec(), open);
    int id = ++lastSequence;
    sequences.put(id, new ServedSequence(scheduled, limits, open));
    reply(new Opened(open.request(), id, epoch, model.hash(), model.profile(), limits));
  }

  private void closeSequence(int id) throws ProtocolException {
    ServedSequence sequence = sequences.remove(id);
    if (sequence == null) {
      throw Replies.unknown(0, id);
    }
    account.closeSequences(1);
    whenDone(sequence.scheduled().close(), v -> reply(new CloseSequence(id)), failure -> {});
  }

  private void step(Step step) throws ProtocolException {
    FrameHeader header = step.header();
    int id = header.sequence();
    if (header.epoch() != epoch) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL,
          "a frame of epoch " + header.epoch() + ", this connection's is " + epoch,
          header.request(),
          id);
    }
    ServedSequence sequence = sequences.get(id);
    if (sequence == null) {
      throw Replies.unknown(header.request(), id);
    }
    sequence.stepCame(header);
    sequence.check(header);
    CompletableFuture<FloatBuffer> done = new CompletableFuture<>();
    // First of all, so that a server that shuts down meanwhile sends the result before it closes.
    if (sequence.selects()) {
      whenDone(
          done.thenApplyAsync(rows -> new Selected(sequence.select(header, rows), rows), selecting),
          selected -> selected(header, sequence, selected),
          failure -> stepFailed(header, sequence, failure));
    } else {
      whenDone(
          done,
          result -> stepDone(header, sequence, result),
          failure -> stepFailed(header, sequence, failure));
    }
    try {
      sequence.scheduled().submit(step.rows(), step.data(), done);
    } catch (ScheduleException e) {
      throw Replies.refusal(e, header.request(), id);
    }
  }

  private void stepDone(FrameHeader header, ServedSequence sequence, FloatBuffer result) {
    if (isOpen(header, sequence)) {
      outbound.binary(sequence.whole(header, result));
    }
  }

  private void selected(FrameHeader header, ServedSequence sequence, Selected selected) {
    if (isOpen(header, sequence)) {
      sequence.keep(header, selected.rows());
      outbound.binary(selected.answer());
    }
  }

  private void row(RowRequest request) throws ProtocolException {
    ServedSequence sequence = sequences.get(request.sequence());
    if (sequence == null) {
      throw Replies.unknown(request.request(), request.sequence());
    }
    outbound.binary(sequence.row(request));
  }

  private void stepFailed(FrameHeader header, ServedSequence sequence, Throwable failure) {
    if (isOpen(header, sequence)) {
      ProtocolException refusal = Replies.refusal(failure, header.request(), header.sequence());
      if (refusal.code() == ErrorCode.INTERNAL) {
        sequences.remove(header.sequence());
        account.closeSequences(1);
      }
      refuse(refusal);
    }
  }

  /** Whether the client still waits for steps of the sequence. */
  private boolean isOpen(FrameHeader header, ServedSequence sequence) {
    return !closing && sequence.equals(sequences.get(header.sequence()));
  }

  /** Continues on the event loop when the scheduler is done. */
  private <T> void whenDone(
      CompletableFuture<T> future, Consumer<T> onSuccess, Consumer<Throwable> onFailure) {
    var unused =
        future.whenComplete(
            (value, failure) ->
                context.runOnContext(
                    v ->
                        guard(
                            () -> {
                              if (failure == null) {
                                onSuccess.accept(value);
                              } else {
                                onFailure.accept(failure);
                              }
                            })));
  }

  /** An internal error ends this connection, so that its client does not wait forever. */
  private void guard(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      log.error("{}: closing after an internal error: {}", peer, e.toString());
      closeNow(INTERNAL_ERROR, "internal error");
    }
  }

  /** Sends the error, and closes the connection if the error requires it. */
  private void refuse(ProtocolException e) {
    if (closing) {
      return;
    }
    ErrorCode code = e.code();
    if (code == ErrorCode.UNKNOWN_SEQUENCE && models.stream().anyMatch(ModelService::isClosing)) {
      closeNow(GOING_AWAY, SHUTTING_DOWN); // this is why the sequence is unknown
      return;
    }
    reply(new ErrorMessage(code, String.valueOf(e.getMessage()), e.request(), e.sequence()));
    if (code.closesConnection()) {
      log.info("{}: {}: {}, closing", peer, code.wireName(), e.getMessage());
      closeNow(code == ErrorCode.TOO_LONG ? MESSAGE_TOO_BIG : PROTOCOL_ERROR, code.wireName());
    } else {
      log.debug("{}: {}: {}", peer, code.wireName(), e.getMessage());
      if (code == ErrorCode.UNSUPPORTED || code == ErrorCode.LIMIT) {
        ServedSequence sequence = sequences.get(e.sequence());
        if (sequence != null) {
          sequence.scheduled().invalidate();
        }
      }
    }
  }

  private void reply(ServerMessage message) {
    if (!closing) {
      outbound.text(ControlCodec.encodeServer(message));
    }
  }
}
