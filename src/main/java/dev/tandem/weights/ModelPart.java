package dev.tandem.weights;

import dev.tandem.config.ModelConfig;

/**
 * What a checkpoint holds of a model: all of it, or a client's or server's part. A tied head needs
 * the token embedding, so a part may hold that tensor for its head alone.
 *
 * @param embedding whether ids can be turned into rows
 * @param layerBegin first block
 * @param layerEnd one past the last block; equal to {@code layerBegin} for no blocks
 * @param head whether it holds the final norm and the LM head
 */
public record ModelPart(boolean embedding, int layerBegin, int layerEnd, boolean head) {

  /**
   * Checks the range.
   *
   * @throws IllegalArgumentException if it is not one
   */
  public ModelPart {
    if (layerBegin < 0 || layerEnd < layerBegin) {
      throw new IllegalArgumentException("blocks " + layerBegin + ":" + layerEnd);
    }
  }

  /** All of a model. */
  public static ModelPart whole(ModelConfig config) {
    return new ModelPart(true, 0, config.nLayers(), true);
  }

  /** Whether nothing of the model is missing. */
  public boolean isWhole(ModelConfig config) {
    return equals(whole(config));
  }

  /** Whether it holds any blocks. */
  public boolean hasBlocks() {
    return layerBegin < layerEnd;
  }

  /** Whether it holds blocks {@code begin .. end - 1}; everyone holds no blocks. */
  public boolean holdsBlocks(int begin, int end) {
    return begin == end || (begin >= layerBegin && end <= layerEnd);
  }

  /**
   * Whether a tensor belongs to it.
   *
   * @param tensor a canonical name; see {@link Checkpoint}
   */
  public boolean holds(String tensor, ModelConfig config) {
    if (tensor.startsWith("blk.")) {
      int layer = Integer.parseInt(tensor.substring(4, tensor.indexOf('.', 4)));
      return holdsBlocks(layer, layer + 1);
    }
    return switch (tensor) {
      case TensorPlan.TOKEN_EMBEDDING -> embedding || (head && config.tiedHead());
      case TensorPlan.POSITION_EMBEDDING -> embedding;
      case TensorPlan.ROPE_FACTORS -> hasBlocks();
      default -> head; // output_norm and output
    };
  }

  /** For messages, such as {@code embedding, blocks 0:2, head}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(embedding ? "embedding, " : "");
    text.append(hasBlocks() ? "blocks " + layerBegin + ":" + layerEnd : "no blocks");
    return text.append(head ? ", head" : ", no head").toString();
  }
}
