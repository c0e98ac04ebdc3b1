package dev.tandem.scheduler;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.util.OptionalDouble;

/** Opens the stages of one model. */
public interface StageProvider {

  /** All that can be asked for: any span within its span. */
  StageSpec offered();

  /** The arithmetic of every stage, with the model hash. */
  ArithmeticProfile profile();

  /** How long a layer takes for a step of one row; empty if it was not measured. */
  default OptionalDouble layerMillis() {
    return OptionalDouble.empty();
  }

  /**
   * Opens a stage on the model's engine thread when it is first needed. The scheduler shares it
   * among sequences and closes it. Stages of one provider share their weights.
   *
   * @param span within the offered one
   * @throws IOException if the weights cannot be read
   */
  Stage open(Span span) throws IOException;
}
