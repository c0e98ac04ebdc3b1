package dev.tandem.client;

import dev.tandem.stage.StageLostException;
import java.io.IOException;
import java.util.List;

/** Continues sequences whose connection was lost in the middle of a step. */
@FunctionalInterface
interface Resumption {
  /** Continues none. */
  Resumption NONE =
      (sequences, cause) -> {
        throw cause;
      };

  /**
   * Moves sequences to another connection. What was not answered there is sent again.
   *
   * @param sequences all of a step
   * @param cause the loss
   * @throws StageLostException if their server does not hold all of them any more
   * @throws IOException if no server can be reached
   */
  void resume(List<RemoteSequence> sequences, StageLostException cause) throws IOException;
}
