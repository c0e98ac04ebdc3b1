package dev.tandem.stage;

import java.io.IOException;
import java.nio.FloatBuffer;

/**
 * A stage that passes every call on to another one. Subclasses look at what passes, or change it.
 */
public abstract class ForwardingStage implements Stage {
  private final Stage stage;

  /** Passes calls on to this stage. */
  protected ForwardingStage(Stage stage) {
    this.stage = stage;
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
  }

  @Override
  public boolean canBeLost() {
    return stage.canBeLost();
  }

  @Override
  public void close() {
    stage.close();
  }
}
