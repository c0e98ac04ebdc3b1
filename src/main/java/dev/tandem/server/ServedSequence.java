package dev.tandem.server;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.ResumeToken;
import dev.tandem.protocol.RowRequest;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.TopReply;
import dev.tandem.sampling.TopLogits;
import dev.tandem.sampling.TopSelection;
import dev.tandem.scheduler.ScheduledSequence;
import dev.tandem.stage.StageSpec;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An open sequence of a connection: what its steps look like, how they are answered, and the logits
 * of its last step, if the client may ask for them. Only the event loop uses it, except where a
 * method says otherwise.
 */
final class ServedSequence {
  /** Moves wait for the engine, which may be busy for long; a client that reconnects makes few. */
  static final int MAX_MOVES = 16;

  private final ScheduledSequence scheduled;
  private final SequenceLimits limits;
  private final Open open;
  private final Optional<TopSelection> selection;
  private final Client client;
  private final ModelService model;
  private final Optional<PromptPrefix> prefix;
  private Optional<ResumeToken> token = Optional.empty();

  /** The connection that has it; null if that is lost. */
  private @Nullable ConnectionSequences owner;

  /** Whether it still counts among its client's sequences. */
  private boolean counts = true;

  /** Moves to other connections that are not done. */
  private int moves;

  /** The last step that came; null before the first. */
  private @Nullable FrameHeader lastStep;

  /** The logits of the last step, once it is answered; null otherwise. */
  private @Nullable FloatBuffer kept;

  /**
   * A sequence.
   *
   * @param client among whose sequences it has been counted
   * @param prefix the chunks that it begins with; empty if none are kept for its client
   */
  ServedSequence(
      ScheduledSequence scheduled,
      SequenceLimits limits,
      Open open,
      Client client,
      ModelService model,
      Optional<PromptPrefix> prefix) {
    this.prefix = prefix;
    this.client = client;
    this.model = model;
    this.scheduled = scheduled;
    this.limits = limits;
    this.open = open;
    int vocabSize = scheduled.spec().vocabSize();
    selection = open.top().map(top -> selection(top, vocabSize));
  }

  private static TopSelection selection(TopReply top, int vocabSize) {
    double[] temperatures = top.temperatures().stream().mapToDouble(t -> t).toArray();
    return new TopSelection(vocabSize, top.k(), temperatures);
  }

  ScheduledSequence scheduled() {
    return scheduled;
  }

  ClientAccount account() {
    return client.account();
  }

  ModelService model() {
    return model;
  }

  Optional<ResumeToken> token() {
    return token;
  }

  void setToken(ResumeToken value) {
    token = Optional.of(value);
  }

  @Nullable ConnectionSequences owner() {
    return owner;
  }

  void setOwner(@Nullable ConnectionSequences value) {
    owner = value;
  }

  /** Whether it counts in a quota of its account or of its address. */
  boolean countsIn(Quota quota) {
    return counts
        && (quota.equals(client.account().sequences())
            || quota.equals(client.address().sequences()));
  }

  /** It no longer counts among its client's sequences; idempotent. */
  void release() {
    if (counts) {
      counts = false;
      client.closeSequence();
    }
  }

  /** Counts a move that begins: whether there may be another one. */
  boolean beginMove() {
    if (moves == MAX_MOVES) {
      return false;
    }
    moves++;
    return true;
  }

  void endMove() {
    moves--;
  }

  /** It has another id, on another connection; the rows that it keeps are still there. */
  void movedTo(int epoch, int id) {
    lastStep = lastStep == null ? null : lastStep.on(epoch, id);
  }

  SequenceLimits limits() {
    return limits;
  }

  /** Whether steps are answered with the best logits, which {@link #select} finds. */
  boolean selects() {
    return selection.isPresent();
  }

  /** A step came, whatever becomes of it: the rows of the one before are no longer kept. */
  void stepCame(FrameHeader step) {
    lastStep = step;
    kept = null;
  }

  /**
   * Checks the form of a step's rows.
   *
   * @throws ProtocolException if the sequence cannot take them
   */
  void check(FrameHeader step) throws ProtocolException {
    if (step.type() != open.sendType()) {
      throw about(
          step,
          ErrorCode.UNSUPPORTED,
          "rows of type " + step.type() + ", the sequence was opened for " + open.sendType());
    }
    StageSpec spec = scheduled.spec();
    if (step.columns() != spec.dModel()) {
      throw about(
          step,
          ErrorCode.PROTOCOL,
          "columns " + step.columns() + ", the model has " + spec.dModel());
    }
    if (step.nOut() > limits.maxOutRows()) {
      throw about(
          step,
          ErrorCode.LIMIT,
          "output rows " + step.nOut() + " not in 0.." + limits.maxOutRows());
    }
  }

  /** The keys of all chunks so far, if a step is one that can be kept; otherwise empty. */
  List<String> chunks(FrameHeader step, ByteBuffer frame) {
    return prefix.map(chunks -> chunks.follow(step, FrameCodec.rowBytes(frame))).orElse(List.of());
  }

  private static ProtocolException about(FrameHeader step, ErrorCode code, String message) {
    return new ProtocolException(code, message, step.request(), step.sequence());
  }

  /** The answer to a step with whole rows. */
  ByteBuffer whole(FrameHeader step, FloatBuffer rows) {
    return FrameCodec.encode(step.result(open.receiveType(), scheduled.spec().outWidth()), rows);
  }

  /** The answer to a step with the best logits. Called by the thread that selects. */
  ByteBuffer select(FrameHeader step, FloatBuffer rows) {
    TopSelection selecting = selection.orElseThrow();
    int vocabSize = scheduled.spec().vocabSize();
    List<TopLogits> selected = new ArrayList<>(step.nOut());
    for (int row = 0; row < step.nOut(); row++) {
      selected.add(selecting.of(rows, row * vocabSize));
    }
    int columns = open.top().orElseThrow().columns(vocabSize);
    return FrameCodec.encodeTop(step.topResult(columns), selected);
  }

  /** Keeps the logits of an answered step, unless another step has come. */
  void keep(FrameHeader step, FloatBuffer rows) {
    if (step.equals(lastStep)) {
      kept = rows;
    }
  }

  /**
   * The answer to a request for one of the kept rows.
   *
   * @throws ProtocolException if it is not kept
   */
  ByteBuffer row(RowRequest request) throws ProtocolException {
    FrameHeader step = lastStep;
    FloatBuffer rows = kept;
    if (!selects() || step == null || rows == null) {
      throw refused(
          request,
          selects()
              ? "no rows are kept: there is no answered step, or another one has come"
              : "no rows are kept: the sequence was not opened with reply topk");
    }
    if (request.row() >= step.nOut()) {
      throw refused(
          request, "row " + request.row() + ", the last step has output rows: " + step.nOut());
    }
    int vocabSize = scheduled.spec().vocabSize();
    return FrameCodec.encode(
        step.row(request.request(), request.row(), vocabSize),
        rows.slice(request.row() * vocabSize, vocabSize));
  }

  private static ProtocolException refused(RowRequest request, String message) {
    return new ProtocolException(
        ErrorCode.POSITION, message, request.request(), request.sequence());
  }
}
