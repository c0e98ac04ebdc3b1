package dev.tandem.measure.stages;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** Passes every call on to a stage, and keeps and counts its output rows. */
public final class RecordingStage implements Stage {
  private final Stage stage;
  private final IntConsumer progress;
  private final List<float[]> rows = new ArrayList<>();

  public RecordingStage(Stage stage) {
    this(stage, n -> {});
  }

  /**
   * Records the rows of another stage.
   *
   * @param progress receives the number of rows after each step
   */
  public RecordingStage(Stage stage, IntConsumer progress) {
    this.stage = stage;
    this.progress = progress;
  }

  /** All output rows so far, one array each. */
  public List<float[]> rows() {
    return rows;
  }

  @Override
  public StageSpec spec() {
    return stage.spec();
  }

  @Override
  public ArithmeticProfile profile() {
    return stage.profile();
  }

  @Override
  public Sequence openSequence(int maxPositions) throws IOException {
    return stage.openSequence(maxPositions);
  }

  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    stage.step(batch, in, out);
    for (int i = 0; i < batch.totalOut(); i++) {
      float[] row = new float[spec().outWidth()];
      out.get(i * row.length, row);
      rows.add(row);
    }
    progress.accept(rows.size());
  }

  @Override
  public void close() {
    stage.close();
  }
}
