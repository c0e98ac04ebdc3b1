package dev.tandem.scheduler;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;

/** Opens the stages of one model. */
public interface StageProvider {

  /**
   * All that can be asked for: any blocks within its layer range, and the head after the last of
   * them if it has one.
   */
  StageSpec offered();

  /** The arithmetic of every stage, with the model hash. */
  ArithmeticProfile profile();

  /**
   * Opens a stage, at first need and on the model's engine thread; the scheduler shares it among
   * sequences and closes it. Stages of one provider share their weights.
   *
   * @param layerBegin first block
   * @param layerEnd one past the last block; may equal {@code layerBegin}
   * @param head whether the head follows; only where {@code layerEnd} is the offered one
   * @throws IOException if the weights cannot be read
   */
  Stage open(int layerBegin, int layerEnd, boolean head) throws IOException;
}
