package dev.tandem.protocol;

import java.util.List;

/**
 * A model in {@link Info}.
 *
 * @param name shown to people
 * @param model the model hash
 * @param nLayers blocks of the whole model
 * @param layerBegin first block offered
 * @param layerEnd one past the last block offered
 * @param head whether logits can be had
 * @param dModel columns of hidden rows
 * @param vocabSize columns of logits
 * @param maxSeq positions of a sequence at most
 * @param profile the server's arithmetic, filled in
 * @param tensors hashes of the tensors; empty unless asked for
 */
public record ModelOffer(
    String name,
    String model,
    int nLayers,
    int layerBegin,
    int layerEnd,
    boolean head,
    int dModel,
    int vocabSize,
    int maxSeq,
    WireProfile profile,
    List<TensorHash> tensors) {
  /** Copies the list. */
  public ModelOffer {
    tensors = List.copyOf(tensors);
  }
}
