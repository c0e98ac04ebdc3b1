package dev.tandem.api;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Passes everything on to a stage and keeps each output row, so that raw bits can be compared. */
final class RecordingStage implements Stage {
  private final Stage stage;
  private final List<float[]> rows = new ArrayList<>();

  RecordingStage(Stage stage) {
    this.stage = stage;
  }

  /** All output rows so far, one array each. */
  List<float[]> rows() {
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
  }

  @Override
  public void close() {
    stage.close();
  }
}
