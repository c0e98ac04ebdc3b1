package dev.tandem.files;

import dev.tandem.tensor.Tensor;
import dev.tandem.types.TypePlan;

/**
 * A tensor in a model's files.
 *
 * @param name the canonical name, which is GGUF's, such as {@code blk.0.attn_output.weight}
 * @param type the type of its elements, such as {@code f32} or {@code q8_0}
 * @param rows 1 for a vector
 * @param cols elements of a row
 * @param bytes the bytes of all elements
 */
public record TensorInfo(String name, String type, long rows, long cols, long bytes) {

  static TensorInfo of(Tensor tensor) {
    return new TensorInfo(
        tensor.name(), TypePlan.name(tensor.dtype()), tensor.rows(), tensor.cols(), tensor.bytes());
  }
}
