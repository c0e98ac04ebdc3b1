package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs pieces in one stage; only the engine thread uses it. */
final class StageRunner {
  private static final Logger log = LoggerFactory.getLogger(StageRunner.class);

  private final Stage stage;
  private final StageSpec spec;
  private final StepBuffers buffers;
  private final Batch batch = new Batch();
  private final List<Piece> pieces = new ArrayList<>();
  private int openSequences;

  StageRunner(Stage stage, StepBuffers buffers) {
    this.stage = stage;
    this.spec = stage.spec();
    this.buffers = buffers;
  }

  StageSpec spec() {
    return spec;
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
        log.warn(
            "a step of {} sequences failed, trying each alone: {}", pieces.size(), e.toString());
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

  private static void fail(Piece piece, Throwable cause) {
    log.error("a step failed: {}", cause.toString());
    piece
        .sequence()
        .end(
            new ScheduleException(
                Reason.INTERNAL, "the step failed, the sequence is closed: " + cause.getMessage()));
  }

  private void compute(List<Piece> batched) throws IOException {
    batch.clear();
    for (Piece piece : batched) {
      piece.step().prepare();
      batch.add(piece.sequence().stageSequence(), piece.rows());
    }
    FloatBuffer in = buffers.in((long) batch.totalRows() * spec.dModel());
    FloatBuffer out = buffers.out((long) batch.totalOut() * spec.outWidth());
    int at = 0;
    for (Piece piece : batched) {
      int floats = piece.rows().count() * spec.dModel();
      in.put(at, piece.step().data(), piece.from() * spec.dModel(), floats);
      at += floats;
    }
    stage.step(batch, in, out);
    at = 0;
    for (Piece piece : batched) {
      piece.sequence().computed(piece, out, at);
      at += piece.rows().wanted() * spec.outWidth();
    }
  }
}
