package dev.tandem.runtime;

import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.TopLogitsStage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.OptionalDouble;

/**
 * Measures how long steps of a stage take, by taking some. Where a process may use only a share of
 * a processor, a short burst is faster than a generation, so the mean over a while counts.
 */
public final class StageTimer implements AutoCloseable {
  private static final int FEW_STEPS = 3;

  private final Stage stage;
  private final Sequence sequence;
  private final FloatBuffer in;
  private final FloatBuffer out;
  private final Batch batch = new Batch();
  private long nanos;
  private int steps;

  /**
   * Opens a sequence of the stage, and takes a first step, which does not count: it may read the
   * weights from a disk.
   *
   * @param rows rows of a step, all of which are returned
   * @throws IOException if a remote stage cannot be reached or refuses
   */
  StageTimer(Stage stage, int rows) throws IOException {
    this.stage = stage;
    in = allocate(rows, stage.spec().dModel());
    out = allocate(rows, stage.spec().outWidth());
    sequence = stage.openSequence(rows);
    batch.add(sequence, 0, rows, RowKind.GENERATED, false, 0, rows);
    boolean ready = false;
    try {
      step();
      nanos = 0;
      steps = 0;
      ready = true;
    } finally {
      if (!ready) {
        sequence.close();
      }
    }
  }

  /**
   * Takes a few steps of one row through a stage's layers, so that the first client finds them
   * warm.
   *
   * @param offered the stage
   * @return milliseconds of a layer; empty if it has none
   * @throws IOException if the model cannot be read
   */
  public static OptionalDouble layerMillis(LocalModel model, Stage offered) throws IOException {
    Span span = offered.spec().span();
    if (!span.hasLayers()) {
      return OptionalDouble.empty();
    }
    try (Stage layers = model.openStage(Span.layers(span.begin(), span.end()));
        StageTimer timer = new StageTimer(layers, 1)) {
      for (int i = 0; i < FEW_STEPS; i++) {
        timer.step();
      }
      return OptionalDouble.of(timer.meanMillis() / span.nLayers());
    }
  }

  private static FloatBuffer allocate(int rows, int columns) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(rows * Float.BYTES, columns))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /** Takes one step, which begins the sequence again. */
  void step() throws IOException {
    long begin = System.nanoTime();
    if (stage instanceof TopLogitsStage best) {
      var unused = best.stepTop(batch, in);
    } else {
      stage.step(batch, in, out);
    }
    nanos += System.nanoTime() - begin;
    steps++;
  }

  /** The mean of the steps so far, in milliseconds. */
  double meanMillis() {
    return nanos / 1e6 / Math.max(1, steps);
  }

  /** Frees the sequence. */
  @Override
  public void close() {
    sequence.close();
  }
}
