package dev.tandem.protocol;

import dev.tandem.settings.Offer;
import dev.tandem.stage.StageSpec;
import java.util.List;
import java.util.OptionalDouble;

/**
 * A model in {@link Info}.
 *
 * @param name the name to show to users
 * @param model the model hash
 * @param nLayers layers of the whole model
 * @param offered the span that is offered, and the sizes of its rows and sequences
 * @param profile the server's arithmetic, filled in
 * @param files what clients may download of it
 * @param layerMillis how long a layer takes for a step of generated rows; empty if not measured
 * @param tensors hashes of the tensors; empty unless requested
 */
public record ModelOffer(
    String name,
    String model,
    int nLayers,
    StageSpec offered,
    WireProfile profile,
    Offer files,
    OptionalDouble layerMillis,
    List<TensorHash> tensors) {
  /** Copies the list. */
  public ModelOffer {
    tensors = List.copyOf(tensors);
  }
}
