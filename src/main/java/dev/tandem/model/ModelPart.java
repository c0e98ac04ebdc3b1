package dev.tandem.model;

import dev.tandem.stage.Span;

/**
 * The part of a model that a checkpoint holds: the whole model, or a client's or server's part. A
 * tied head needs the token embedding, so a part may hold that tensor only for its head.
 *
 * @param embedding whether it can turn ids into rows
 * @param layers the layers that it holds; the head need not follow them
 * @param head whether it holds the final norm and the LM head
 */
public record ModelPart(boolean embedding, Span layers, boolean head) {

  /**
   * Checks that the head is not stated twice.
   *
   * @throws IllegalArgumentException if {@code layers} has the head
   */
  public ModelPart {
    if (layers.hasHead()) {
      throw new IllegalArgumentException(layers + ": a part's layers are without the head");
    }
  }

  /** A whole model. */
  public static ModelPart whole(ModelConfig config) {
    return new ModelPart(true, Span.layers(0, config.nLayers()), true);
  }

  /** Whether it is the whole model. */
  public boolean isWhole(ModelConfig config) {
    return equals(whole(config));
  }

  /** Whether it holds all layers of a span, and the head if the span has it. */
  boolean holds(Span span) {
    return (!span.hasLayers() || layers.contains(Span.layers(span.begin(), span.end())))
        && (head || !span.hasHead());
  }

  /** Whether it contains another part. */
  boolean holds(ModelPart other) {
    return (embedding || !other.embedding) && (head || !other.head) && holds(other.layers);
  }

  /**
   * Whether a tensor belongs to it.
   *
   * @param tensor a canonical name; see {@link Checkpoint}
   */
  public boolean holds(String tensor, ModelConfig config) {
    if (tensor.startsWith("blk.")) {
      int layer = Integer.parseInt(tensor.substring(4, tensor.indexOf('.', 4)));
      return holds(Span.layers(layer, layer + 1));
    }
    return switch (tensor) {
      case TensorPlan.TOKEN_EMBEDDING -> embedding || (head && config.tiedHead());
      case TensorPlan.POSITION_EMBEDDING -> embedding;
      case TensorPlan.ROPE_FACTORS -> layers.hasLayers();
      default -> head; // output_norm and output
    };
  }

  /** For messages, such as {@code embedding, layers 0:2, head}. */
  @Override
  public String toString() {
    return (embedding ? "embedding, " : "") + layers + (head ? ", head" : ", no head");
  }
}
