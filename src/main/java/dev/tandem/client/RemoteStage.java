package dev.tandem.client;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.nio.FloatBuffer;

/** A stage on a server. Got from {@link ServerConnection#stage}. */
public final class RemoteStage implements Stage {

  private RemoteStage() {}

  @Override
  public StageSpec spec() {
    throw new UnsupportedOperationException();
  }

  @Override
  public ArithmeticProfile profile() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Sequence openSequence(int maxPositions) throws IOException {
    throw new UnsupportedOperationException();
  }

  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
