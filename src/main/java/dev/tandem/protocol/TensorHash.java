package dev.tandem.protocol;

import java.util.List;

/**
 * One line of the list from which the model hash follows.
 *
 * @param name the tensor's name in the checkpoint
 * @param type element type, e.g. {@code f32}
 * @param shape extents, outermost first
 * @param sha256 SHA-256 of the normalised bytes, in hex
 */
public record TensorHash(String name, String type, List<Long> shape, String sha256) {
  /** Copies the shape. */
  public TensorHash {
    shape = List.copyOf(shape);
  }
}
