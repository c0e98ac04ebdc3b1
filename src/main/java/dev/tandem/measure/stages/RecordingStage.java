package dev.tandem.measure.stages;

import dev.tandem.stage.Batch;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** Passes every call on to a stage, and keeps and counts its output rows. */
public final class RecordingStage extends ForwardingStage {
  private final IntConsumer progress;
  private final List<float[]> rows = new ArrayList<>();

  /** Records the rows of another stage. */
  public RecordingStage(Stage stage) {
    this(stage, n -> {});
  }

  /**
   * Records the rows of another stage.
   *
   * @param progress receives the number of rows after each step
   */
  public RecordingStage(Stage stage, IntConsumer progress) {
    super(stage);
    this.progress = progress;
  }

  /** All output rows so far, one array each. */
  public List<float[]> rows() {
    return rows;
  }

  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    super.step(batch, in, out);
    for (int i = 0; i < batch.totalOut(); i++) {
      float[] row = new float[spec().outWidth()];
      out.get(i * row.length, row);
      rows.add(row);
    }
    progress.accept(rows.size());
  }
}
