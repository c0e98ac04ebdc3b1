package dev.tandem.formats.families;

import java.io.IOException;
import java.util.Optional;

/** Decides whether an LM head is the token embedding if no config states it. */
final class TiedHead {
  private TiedHead() {}

  /**
   * True if there is no head, or if the file keeps the head and the embedding in one place.
   *
   * @param embedding name of the token embedding
   * @param head name of the LM head
   */
  static boolean of(NamedTensors stored, String embedding, String head) throws IOException {
    Optional<ForeignTensor> headTensor = stored.find(head);
    Optional<ForeignTensor> tokens = stored.find(embedding);
    return headTensor.isEmpty()
        || (tokens.isPresent()
            && tokens.get().shape().equals(headTensor.get().shape())
            && tokens.get().content().get().equals(headTensor.get().content().get()));
  }
}
