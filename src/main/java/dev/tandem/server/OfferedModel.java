package dev.tandem.server;

import dev.tandem.protocol.TensorHash;
import dev.tandem.scheduler.StageProvider;
import java.util.List;

/**
 * A model that a server offers.
 *
 * @param name shown to people
 * @param nLayers blocks of the whole model
 * @param tensors the list that the model hash is made of; empty if it is not to be had
 * @param stages opens its stages
 */
public record OfferedModel(
    String name, int nLayers, List<TensorHash> tensors, StageProvider stages) {
  /** Copies the list. */
  public OfferedModel {
    tensors = List.copyOf(tensors);
  }
}
