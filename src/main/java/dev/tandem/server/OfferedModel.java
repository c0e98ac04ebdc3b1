package dev.tandem.server;

import dev.tandem.protocol.TensorHash;
import dev.tandem.scheduler.StageProvider;
import java.util.List;
import java.util.Optional;

/**
 * A model that a server offers.
 *
 * @param name the name to show to users
 * @param nLayers layers of the whole model
 * @param tensors the list from which the model hash follows; empty if it is not available
 * @param stages opens its stages
 * @param parts what clients may download of it; empty for nothing
 */
public record OfferedModel(
    String name,
    int nLayers,
    List<TensorHash> tensors,
    StageProvider stages,
    Optional<OfferedParts> parts) {
  /** Copies the list. */
  public OfferedModel {
    tensors = List.copyOf(tensors);
  }

  /** A model of which nothing can be downloaded. */
  public OfferedModel(String name, int nLayers, List<TensorHash> tensors, StageProvider stages) {
    this(name, nLayers, tensors, stages, Optional.empty());
  }
}
