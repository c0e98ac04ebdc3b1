package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Batch;
import dev.tandem.stage.CopyingStage;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs pieces in one stage; it belongs to whoever holds the engine. */
final class StageRunner {
  private final Stage stage;
  private final StageSpec spec;
  private final StepBuffers buffers;
  private final LayerPace pace;
  private final SchedulerListener listener;
  private final Batch batch = new Batch();
  private final List<Piece> pieces = new ArrayList<>();
  private int openSequences;

  StageRunner(Stage stage, StepBuffers buffers, LayerPace pace, SchedulerListener listener) {
    this.stage = stage;
    this.pace = pace;
    this.listener = listener;
    this.spec = stage.spec();
    this.buffers = buffers;
  }

  StageSpec spec() {
    return spec;
  }

  /** Memory of a sequence of that many positions. */
  long stateBytes(int maxPositions) {
    return stage instanceof CopyingStage counted ? counted.stateBytes(maxPositions) : 0;
  }

  /** The stage, if it can copy what its sequences keep. */
  Optional<CopyingStage> copying() {
    return stage instanceof CopyingStage copying ? Optional.of(copying) : Optional.empty();
  }

  boolean isIdle() {
    return openSequences == 0;
  }

  Sequence open(int maxPositions) throws IOException {
    Sequence sequence = stage.openSequence(maxPositions);
    openSequences++;
    return sequence;
  }

  void sequenceClosed() {
    openSequences--;
  }

  void close() {
    stage.close();
  }

  void add(Piece piece) {
    pieces.add(piece);
  }

  /**
   * Computes the added pieces in one call. If the call fails, each piece is tried alone, so that
   * only the faulty sequence ends. This is safe because a repeated step gives the same bits.
   */
  void run() {
    if (pieces.isEmpty()) {
      return;
    }
    try {
      compute(pieces);
    } catch (IOException | RuntimeException | Error e) {
      if (pieces.size() == 1) {
        fail(pieces.get(0), e);
      } else {
        listener.failed("a step of " + pieces.size() + " sequences failed, trying each alone", e);
        for (Piece piece : pieces) {
          runAlone(piece);
        }
      }
    } finally {
      pieces.clear();
      batch.clear();
    }
  }

  private void runAlone(Piece piece) {
    try {
      compute(List.of(piece));
    } catch (IOException | RuntimeException | Error e) {
      fail(piece, e);
    }
  }

  private void fail(Piece piece, Throwable cause) {
    listener.failed("a step failed", cause);
    String message = "the step failed, the sequence is closed: " + cause.getMessage();
    piece.sequence().end(new ScheduleException(Reason.INTERNAL, message, cause));
  }

  private void compute(List<Piece> batched) throws IOException {
    batch.clear();
    for (int i = 0; i < batched.size(); i++) {
      Piece piece = batched.get(i);
      PendingStep step = piece.step();
      step.prepare();
      batch.addCut(
          piece.sequence().stageSequence(), step.rows(), step.entry(), piece.from(), piece.nRows());
    }
    Piece first = batched.get(0);
    long begin = System.nanoTime();
    if (batched.size() == 1 && first.from() == 0 && first.step().isInPlace()) {
      stage.step(batch, first.step().data(), first.step().out());
      first.step().wrote(batch.nOut(0));
    } else {
      computeCopied(batched);
    }
    if (spec.span().hasLayers() && batch.kind(0) == RowKind.GENERATED) {
      pace.add(System.nanoTime() - begin, spec.span().nLayers());
    }
    for (int i = 0; i < batched.size(); i++) {
      batched.get(i).sequence().computed();
    }
  }

  private void computeCopied(List<Piece> batched) throws IOException {
    FloatBuffer in = buffers.in((long) batch.totalRows() * spec.dModel());
    FloatBuffer out = buffers.out((long) batch.totalOut() * spec.outWidth());
    int at = 0;
    for (int i = 0; i < batched.size(); i++) {
      Piece piece = batched.get(i);
      PendingStep step = piece.step();
      int floats = piece.nRows() * spec.dModel();
      in.put(at, step.data(), step.dataAt() + piece.from() * spec.dModel(), floats);
      at += floats;
    }
    stage.step(batch, in, out);
    at = 0;
    for (int i = 0; i < batched.size(); i++) {
      batched.get(i).step().append(out, at, batch.nOut(i), spec.outWidth());
      at += batch.nOut(i) * spec.outWidth();
    }
  }
}
