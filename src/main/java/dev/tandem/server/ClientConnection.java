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
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.Resume;
import dev.tandem.protocol.RowRequest;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.protocol.Step;
import dev.tandem.scheduler.ScheduleException;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
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

  /** What a receiver finds where no close message came. */
  private static final short CLOSED_ABNORMALLY = 1006;

  private static final short PROTOCOL_ERROR = 1002;
  private static final short MESSAGE_TOO_BIG = 1009;
  private static final short INTERNAL_ERROR = 1011;

  /** The best logits of a step, as a frame, and its rows. */
  private record Selected(ByteBuffer answer, FloatBuffer rows) {}

  private final ServerWebSocket socket;
  private final List<ModelService> models;
  private final FrameLimits frameLimits;
  private final List<String> features;
  private final Executor selecting;
  private final String peer;
  private final Vertx vertx;
  private final Context context;
  private final MessageAssembler assembler;
  private final Outbound outbound;
  private final ConnectionSequences sequences;
  private final long pingTimer;
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
      Client client,
      FrameLimits frameLimits,
      int epoch,
      ResumableSequences resumable,
      Executor selecting,
      long pingIntervalMillis,
      Consumer<ClientConnection> onClosed) {
    this.vertx = vertx;
    this.socket = socket;
    this.models = models;
    this.frameLimits = frameLimits;
    this.features = Replies.features(resumable.isOffered(), client.account());
    this.selecting = selecting;
    this.context = vertx.getOrCreateContext();
    this.peer = String.valueOf(socket.remoteAddress());
    this.assembler =
        new MessageAssembler(
            FrameHeader.messageBytes(frameLimits.maxRows(), frameLimits.maxColumns()));
    this.sequences = new ConnectionSequences(this, models, client, epoch, resumable);
    this.outbound = new Outbound(socket, this::pause, this::resume, () -> silentIntervals = 0);
    socket.frameHandler(this::receive);
    socket.pongHandler(v -> silentIntervals = 0);
    socket.exceptionHandler(this::failed);
    socket.closeHandler(
        v -> {
          release(!saidGoodbye(socket));
          onClosed.accept(this);
        });
    this.pingTimer = vertx.setPeriodic(pingIntervalMillis, id -> checkLife());
    log.debug("{} connected", peer);
  }

  /** A failure below the messages: broken frames, or the network. */
  private void failed(Throwable cause) {
    log.debug("{}: {}", peer, cause.toString());
    closeNow(PROTOCOL_ERROR, "broken frame", true);
  }

  /** Whether the client has ended the connection as it should, and needs no sequence any more. */
  private static boolean saidGoodbye(ServerWebSocket socket) {
    Short status = socket.closeStatusCode();
    return status != null && status != CLOSED_ABNORMALLY;
  }

  /** Closes the connection after the answers that are being made; may be called by any thread. */
  void close(short status, String reason) {
    selecting.execute(() -> context.runOnContext(v -> closeNow(status, reason)));
  }

  private void closeNow(short status, String reason) {
    closeNow(status, reason, false);
  }

  /**
   * Closes the connection.
   *
   * @param keep whether the client may resume its sequences
   */
  private void closeNow(short status, String reason, boolean keep) {
    if (!closing) {
      release(keep);
      socket.close(status, reason);
    }
  }

  /** Frees the resources of the connection. */
  private void release(boolean keep) {
    if (!closing) {
      closing = true;
      vertx.cancelTimer(pingTimer);
      sequences.end(keep);
      log.debug("{} disconnected", peer);
    }
  }

  private void checkLife() {
    silentIntervals++;
    if (silentIntervals >= DEAD_AFTER_INTERVALS) {
      log.info("{} does not answer, closing", peer);
      closeNow(GOING_AWAY, "no sign of life", true);
    } else {
      outbound.ping();
    }
  }

  /** The client does not read: stops reading from it and computing for it. */
  private void pause() {
    sequences.pause();
    socket.pause();
  }

  private void resume() {
    silentIntervals = 0;
    if (!closing) {
      sequences.goOn();
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
      step(step, message.bytes());
    } else if (decoded instanceof Open open) {
      sequences.open(open);
    } else if (decoded instanceof Resume resume) {
      sequences.resume(resume);
    } else if (decoded instanceof CloseSequence close) {
      sequences.close(close.sequence());
    } else if (decoded instanceof RowRequest request) {
      row(request);
    } else if (decoded instanceof InfoRequest info) {
      reply(Replies.info(models, features, info.request(), info.tensors()));
    }
  }

  private void step(Step step, ByteBuffer frame) throws ProtocolException {
    FrameHeader header = step.header();
    int id = header.sequence();
    if (header.epoch() != sequences.epoch()) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL,
          "a frame of epoch " + header.epoch() + ", this connection's is " + sequences.epoch(),
          header.request(),
          id);
    }
    ServedSequence sequence = sequences.get(header.request(), id);
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
      sequence.scheduled().submit(step.rows(), step.data(), sequence.chunks(header, frame), done);
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
    outbound.binary(sequences.get(request.request(), request.sequence()).row(request));
  }

  private void stepFailed(FrameHeader header, ServedSequence sequence, Throwable failure) {
    if (isOpen(header, sequence)) {
      ProtocolException refusal = Replies.refusal(failure, header.request(), header.sequence());
      if (refusal.code() == ErrorCode.INTERNAL) {
        sequences.failed(header.sequence());
      }
      refuse(refusal);
    }
  }

  /** Whether the client still waits for steps of the sequence. */
  private boolean isOpen(FrameHeader header, ServedSequence sequence) {
    return !closing && sequences.has(header.sequence(), sequence);
  }

  /** Continues on the event loop when the scheduler is done. */
  <T> void whenDone(
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
  void refuse(ProtocolException e) {
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
        sequences.invalidate(e.sequence());
      }
    }
  }

  /** Whether the connection has ended, or ends in a moment. */
  boolean isClosing() {
    return closing;
  }

  void reply(ServerMessage message) {
    if (!closing) {
      outbound.text(ControlCodec.encodeServer(message));
    }
  }
}
