package dev.tandem.measure;

import dev.tandem.stage.Batch;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Random;

/**
 * A stage without a head that adds random errors to its output rows; their size is relative to what
 * the stage has added to a row. Its owner closes the stage below.
 */
final class DisturbedStage extends ForwardingStage {
  private final double error;
  private final Random random;

  DisturbedStage(Stage stage, double error, Random random) {
    super(stage);
    this.error = error;
    this.random = random;
  }

  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    super.step(batch, in, out);
    int width = spec().dModel();
    int inRow = 0;
    int outRow = 0;
    for (int entry = 0; entry < batch.size(); entry++) {
      for (int i = 0; i < batch.nOut(entry); i++) {
        disturb(in, (inRow + batch.outBegin(entry) + i) * width, out, outRow++ * width, width);
      }
      inRow += batch.nRows(entry);
    }
  }

  private void disturb(FloatBuffer in, int inAt, FloatBuffer out, int outAt, int width) {
    double squares = 0;
    for (int i = 0; i < width; i++) {
      double added = (double) out.get(outAt + i) - in.get(inAt + i);
      squares += added * added;
    }
    double size = error * Math.sqrt(squares / width);
    for (int i = 0; i < width; i++) {
      float value = out.get(outAt + i);
      out.put(outAt + i, (float) (value + size * (2 * random.nextDouble() - 1)));
    }
  }

  @Override
  public void close() {}
}
