package dev.tandem.client;

import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.stage.StepRows;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** One entry of a running step: sends its frames as far as the window allows. */
final class EntryRun {
  private final RemoteSequence sequence;
  private final FloatBuffer in;
  private final RowSink sink;
  private final int outAt;
  private final int dModel;
  private final List<FramePlan> plans;
  private int sent;
  private int done;

  /**
   * Prepares an entry.
   *
   * @param in the entry's rows, from index 0
   * @param sink takes the output rows
   * @param outAt the place of the entry's first one among all output rows of the step
   */
  EntryRun(RemoteSequence sequence, StepRows rows, FloatBuffer in, RowSink sink, int outAt) {
    this.sequence = sequence;
    this.in = in;
    this.sink = sink;
    this.outAt = outAt;
    this.dModel = sequence.stage().spec().dModel();
    this.plans = FramePlan.cut(rows, sequence.limits());
  }

  boolean isDone() {
    return done == plans.size();
  }

  RemoteSequence sequence() {
    return sequence;
  }

  /** What was sent and not answered is sent again: the sequence has another connection. */
  void sendAgain() {
    sent = done;
  }

  /** Sends as many frames as the window allows. */
  void fill() {
    while (sent < plans.size() && sequence.inFlight().size() < sequence.limits().maxInFlight()) {
      FramePlan plan = plans.get(sent++);
      FloatBuffer rows = in.slice(plan.from() * dModel, plan.rows().count() * dModel);
      ServerConnection connection = sequence.stage().connection();
      sequence.expect(
          connection.sendStep(request -> FrameCodec.encode(header(plan, request), rows)));
    }
  }

  private FrameHeader header(FramePlan plan, int request) {
    return FrameHeader.step(
        sequence.stage().request().sendType(),
        sequence.epoch(),
        request,
        sequence.id(),
        plan.rows(),
        dModel);
  }

  /** Waits for the oldest frame's result and reads it. */
  void takeOne() throws IOException {
    FramePlan plan = plans.get(done);
    StepRows rows = plan.rows();
    // Before the answer arrives, the server may or may not have computed the frame.
    sequence.setLength(Math.min(sequence.length(), rows.position()));
    ServerConnection connection = sequence.stage().connection();
    CompletableFuture<ServerMessage> oldest = sequence.inFlight().element();
    ServerMessage answer = connection.await(oldest, connection.options().stepTimeout());
    sequence.inFlight().remove();
    Optional<FrameHeader> header = sink.header(answer);
    if (header.isEmpty()) {
      throw connection.unexpected(answer);
    }
    if (header.get().sequence() != sequence.id()
        || header.get().nOut() != rows.nOut()
        || header.get().outBegin() != rows.outBegin()) {
      throw connection.otherResult("its rows are others");
    }
    try {
      sink.take(sequence, answer, outAt + plan.outRow());
    } catch (ProtocolException e) {
      throw connection.otherResult(String.valueOf(e.getMessage()));
    }
    sequence.answered(plan);
    done++;
  }
}
