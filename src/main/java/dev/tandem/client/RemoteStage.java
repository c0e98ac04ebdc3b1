package dev.tandem.client;

import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.PrefixChain;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.Resume;
import dev.tandem.protocol.ResumeToken;
import dev.tandem.protocol.Resumed;
import dev.tandem.protocol.RowRequest;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.protocol.TopReply;
import dev.tandem.protocol.WireProfile;
import dev.tandem.settings.RowType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageLostException;
import dev.tandem.stage.StageSpec;
import dev.tandem.stage.StepRows;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A stage on a server; {@link ServerConnection#stage} creates it. A step sends each entry as one
 * frame, a long prompt as one frame per chunk. It sends as many frames without waiting as the
 * server allows, so the caller waits once.
 *
 * <p>Safe for use by many threads, each of which steps its own sequences; a sequence is one
 * thread's at a time, except its {@link Sequence#close}, which ends a running step with an error.
 */
public final class RemoteStage implements Stage {
  /** So often, the sequences of one step are resumed before it fails. */
  private static final int MAX_LOSSES = 20;

  private final ServerConnection connection;
  private final StageSpec spec;
  private final ArithmeticProfile profile;
  private final StageRequest request;
  private final Set<RemoteSequence> sequences = ConcurrentHashMap.newKeySet();
  private volatile Resumption resumption = Resumption.NONE;
  private volatile boolean closed;

  RemoteStage(ServerConnection connection, RemoteModel model, StageRequest request) {
    this.connection = connection;
    this.profile = model.profile();
    this.request = request;
    this.spec = model.offered().withSpan(request.span());
  }

  /**
   * Another stage on the same connection.
   *
   * @throws IOException if the server does not offer the span
   */
  RemoteStage withSpan(Span span) throws IOException {
    return connection.stage(
        new StageRequest(span, profile, request.sendType(), request.receiveType(), List.of()));
  }

  /** This stage with the best {@code k} logits of each row as its answers. */
  public RemoteTopStage top(int k) {
    return new RemoteTopStage(this, this::open, k);
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  @Override
  public ArithmeticProfile profile() {
    return profile;
  }

  @Override
  public Sequence openSequence(int maxPositions) throws IOException {
    return open(maxPositions, Optional.empty());
  }

  /**
   * Opens a sequence. A server that may know how its prompt begins is asked when its first rows are
   * known: at its first step.
   *
   * @param top what answers consist of, if the head follows the layers on the server; empty for
   *     rows of this stage
   */
  RemoteSequence open(int maxPositions, Optional<TopReply> top) throws IOException {
    checkOpen();
    RemoteSequence sequence = new RemoteSequence(this, maxPositions, top);
    if (!connection.knowsPrompts() || !spec.span().hasLayers()) {
      begin(sequence, List.of());
    }
    sequences.add(sequence);
    return sequence;
  }

  /**
   * Opens a sequence on the server.
   *
   * @param prefix the hashes of the whole chunks that it begins with, as far as they are known
   */
  private void begin(RemoteSequence sequence, List<String> prefix) throws IOException {
    Span span = span(sequence);
    CompletableFuture<ServerMessage> answer =
        connection.request(
            id ->
                new Open(
                    id,
                    profile.modelHash(),
                    span,
                    request.sendType(),
                    request.receiveType(),
                    sequence.capacity(),
                    WireProfile.of(profile),
                    sequence.top(),
                    prefix));
    CompletableFuture<ServerMessage> awaited = answer.copy(); // which closing the sequence fails
    sequence.expect(awaited);
    boolean accepted = false;
    try {
      Opened opened =
          checked(
              connection.await(awaited, connection.options().openTimeout()),
              sequence.top(),
              prefix.size());
      accepted = true;
      sequence.begin(opened);
    } finally {
      sequence.inFlight().remove(); // the only one
      if (!accepted) {
        var unused = answer.thenAccept(this::release);
      }
    }
  }

  /** What the server computes: where the best logits come back, the head too. */
  private Span span(RemoteSequence sequence) {
    Span span = spec.span();
    return sequence.top().isEmpty() ? span : Span.toLogits(span.begin(), span.end());
  }

  /** Opens a sequence with its first rows: how many of them the server knows. */
  private int begin(RemoteSequence sequence, StepRows rows, FloatBuffer in) throws IOException {
    WireProfile served = WireProfile.of(profile);
    PrefixChain chain =
        new PrefixChain(profile.modelHash(), span(sequence), request.sendType(), served);
    begin(sequence, KnownPrompt.hashes(chain, rows, in, spec.dModel(), profile.chunkRows()));
    return sequence.length();
  }

  /** Checks that the server opened the requested sequence. */
  private Opened checked(ServerMessage answer, Optional<TopReply> top, int claimedChunks)
      throws IOException {
    if (!(answer instanceof Opened opened)) {
      throw connection.unexpected(answer);
    }
    String server = "the server at " + connection.peer();
    RemoteModels.compare(profile, opened.profile().ofServer(opened.model()), server);
    SequenceLimits limits = opened.limits();
    if (limits.maxRows() != profile.chunkRows()) {
      throw new IOException(
          server + " allows " + limits.maxRows() + " rows, C is " + profile.chunkRows());
    }
    int first = opened.firstPosition();
    if (first % profile.chunkRows() != 0 || first / profile.chunkRows() > claimedChunks) {
      throw new IOException(
          server + " needs rows from " + first + " on, which ends no chunk that it was told");
    }
    allowResults(limits, top);
    return opened;
  }

  private void allowResults(SequenceLimits limits, Optional<TopReply> top) {
    int outRows = Math.min(limits.maxOutRows(), limits.maxRows());
    int columns = top.isPresent() ? spec.vocabSize() : spec.outWidth();
    long bytes = FrameHeader.messageBytes(top.isPresent() ? 1 : outRows, columns);
    if (top.isPresent()) {
      int topColumns = top.get().columns(spec.vocabSize());
      bytes = Math.max(bytes, FrameHeader.messageBytes(outRows, topColumns));
      columns = Math.max(columns, topColumns);
    }
    connection.allow(outRows, columns, (int) Math.min(limits.maxResultBytes(), bytes));
  }

  /** What happens when the connection is lost in the middle of a step. */
  void onLoss(Resumption action) {
    resumption = action;
  }

  /**
   * Continues a sequence of another connection to the same server on this one.
   *
   * @throws StageLostException if the server does not hold it any more, or is lost itself
   */
  void resume(RemoteSequence sequence, ResumeToken token) throws IOException {
    checkOpen();
    CompletableFuture<ServerMessage> answer = connection.request(id -> new Resume(id, token));
    boolean accepted = false;
    try {
      ServerMessage message = connection.await(answer, connection.options().openTimeout());
      if (!(message instanceof Resumed resumed)) {
        throw connection.unexpected(message);
      }
      accepted = true;
      allowResults(sequence.limits(), sequence.top());
      sequence.stage().closed(sequence);
      sequences.add(sequence);
      sequence.moveTo(this, resumed);
    } finally {
      if (!accepted) {
        var unused = answer.thenAccept(this::release);
      }
    }
  }

  /** Closes a sequence that the server opened too late, or not as requested. */
  private void release(ServerMessage answer) {
    if (answer instanceof Opened opened) {
      connection.tell(new CloseSequence(opened.sequence()));
    } else if (answer instanceof Resumed resumed) {
      connection.tell(new CloseSequence(resumed.sequence()));
    }
  }

  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    checkOut(batch, out, spec.outWidth());
    run(batch, in, new WholeRows(out.duplicate().clear(), spec.outWidth()));
  }

  /** Runs a batch, the output rows of which the sink takes. */
  void run(Batch batch, FloatBuffer in, RowSink sink) throws IOException {
    checkOpen();
    checkBuffer("in", in, (long) batch.totalRows() * spec.dModel());
    FloatBuffer allIn = in.duplicate().clear();
    List<EntryRun> runs = new ArrayList<>(batch.size());
    int inAt = 0;
    int outAt = 0;
    for (int entry = 0; entry < batch.size(); entry++) {
      RemoteSequence sequence = own(batch.sequence(entry));
      sequence.checkOpen();
      discardAbandoned(sequence);
      StepRows rows = batch.rows(entry);
      FloatBuffer entryIn = allIn.slice(inAt, rows.count() * spec.dModel());
      int known = sequence.hasBegun() ? 0 : begin(sequence, rows, entryIn);
      if (known < rows.count()) {
        FloatBuffer unknown = entryIn.position(known * spec.dModel()).slice();
        runs.add(
            new EntryRun(sequence, rows.cut(known, rows.count() - known), unknown, sink, outAt));
      }
      inAt += rows.count() * spec.dModel();
      outAt += batch.nOut(entry);
    }
    if (runs.isEmpty()) {
      return;
    }
    connection.countRoundTrip();
    List<RemoteSequence> all = runs.stream().map(EntryRun::sequence).toList();
    int losses = 0;
    while (!runs.isEmpty()) {
      try {
        runs.forEach(EntryRun::fill);
        for (EntryRun run : runs) {
          run.takeOne();
          run.fill();
        }
      } catch (StageLostException e) {
        resumeOrThrow(all, losses++, e);
        runs.forEach(EntryRun::sendAgain);
      }
      runs.removeIf(EntryRun::isDone);
    }
  }

  /**
   * A whole row of a sequence's last step.
   *
   * @param row index within the output rows
   * @return {@code [vocabSize]} from index 0
   */
  FloatBuffer row(RemoteSequence sequence, int row) throws IOException {
    checkOpen();
    sequence.checkOpen();
    int index = sequence.inLastFrame(row);
    discardAbandoned(sequence);
    for (int losses = 0; ; losses++) {
      try {
        return sequence.stage().askRow(sequence, index);
      } catch (StageLostException e) {
        resumeOrThrow(List.of(sequence), losses, e);
      }
    }
  }

  private void resumeOrThrow(List<RemoteSequence> lost, int losses, StageLostException cause)
      throws IOException {
    if (losses == MAX_LOSSES) {
      throw cause;
    }
    resumption.resume(lost, cause);
  }

  private FloatBuffer askRow(RemoteSequence sequence, int index) throws IOException {
    CompletableFuture<ServerMessage> answer =
        connection.request(id -> new RowRequest(id, sequence.id(), index));
    connection.countFullRow();
    sequence.expect(answer);
    ServerMessage message = connection.await(answer, connection.options().stepTimeout());
    sequence.inFlight().remove(); // the only one
    if (!(message instanceof Result result)) {
      throw connection.unexpected(message);
    }
    FrameHeader header = result.header();
    if (header.sequence() != sequence.id()
        || header.type() != RowType.F32
        || header.columns() != spec.vocabSize()
        || header.nOut() != 1
        || header.position() != sequence.lastRows().position()
        || header.outBegin() != sequence.lastRows().outBegin() + index) {
      throw connection.otherResult("it is another row");
    }
    return result.rows();
  }

  /** A sequence of this stage. */
  RemoteSequence own(Sequence sequence) {
    if (sequence instanceof RemoteSequence remote && remote.stage() == this) {
      return remote;
    }
    throw new IllegalArgumentException("the sequence belongs to another stage");
  }

  void checkOut(Batch batch, FloatBuffer out, int width) {
    checkBuffer("out", out, (long) batch.totalOut() * width);
  }

  /** Waits for the answers to a step that failed halfway, because they count against the window. */
  private void discardAbandoned(RemoteSequence sequence) throws IOException {
    while (!sequence.inFlight().isEmpty()) {
      CompletableFuture<ServerMessage> oldest = sequence.inFlight().element();
      try {
        connection.await(oldest, connection.options().stepTimeout());
      } catch (IOException e) {
        if (!oldest.isDone()) {
          throw e;
        }
      }
      sequence.inFlight().remove();
    }
  }

  @Override
  public void close() {
    closed = true;
    List.copyOf(sequences).forEach(RemoteSequence::close);
  }

  /** How rows travel. */
  StageRequest request() {
    return request;
  }

  ServerConnection connection() {
    return connection;
  }

  void closed(RemoteSequence sequence) {
    sequences.remove(sequence);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the stage is closed");
    }
  }

  private static void checkBuffer(String name, FloatBuffer buffer, long floats) {
    if (!buffer.isDirect() || buffer.capacity() < floats) {
      throw new IllegalArgumentException(
          name + " must be direct and hold " + floats + " floats, it holds " + buffer.capacity());
    }
  }
}
