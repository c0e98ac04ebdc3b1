package dev.tandem.client;

import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.stage.StepRows;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** One entry of a running step: sends its frames as far as the window allows. */
final class EntryRun {
  private final RemoteSequence sequence;
  private final FloatBuffer in;
  private final FloatBuffer out;
  private final int dModel;
  private final int outWidth;
  private final List<FramePlan> plans;
  private int sent;
  private int done;

  /**
   * Prepares an entry.
   *
   * @param in the entry's rows, from index 0
   * @param out the entry's output rows, from index 0
   */
  EntryRun(RemoteSequence sequence, StepRows rows, FloatBuffer in, FloatBuffer out) {
    this.sequence = sequence;
    this.in = in;
    this.out = out;
    this.dModel = sequence.stage().spec().dModel();
    this.outWidth = sequence.stage().spec().outWidth();
    this.plans = FramePlan.cut(rows, sequence.limits());
  }

  boolean isDone() {
    return done == plans.size();
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
    if (!(answer instanceof Result result)) {
      throw connection.unexpected(answer);
    }
    FrameHeader header = result.header();
    if (header.sequence() != sequence.id()
        || header.nOut() != rows.nOut()
        || header.outBegin() != rows.outBegin()
        || header.type() != sequence.stage().request().receiveType()
        || (header.nOut() > 0 && header.columns() != outWidth)) {
      throw new IOException(
          "the server at " + connection.peer() + " sent another result than the requested one");
    }
    out.put(plan.outRow() * outWidth, result.rows(), 0, rows.nOut() * outWidth);
    sequence.setLength(rows.end());
    done++;
  }
}
