package dev.tandem.formats.families;

import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.DerivedData;
import dev.tandem.tensor.StridedData;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import dev.tandem.tensor.TensorData.FileRegion;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * One tensor of a foreign file, with the file's name and shape.
 *
 * @param path the file, for messages
 * @param name the name in the file
 * @param shape extents, the slowest first
 * @param content type and bytes, checked only when the tensor is needed
 */
public record ForeignTensor(String path, String name, List<Long> shape, Content content) {

  /** Looks up the stored type and bytes. */
  @FunctionalInterface
  public interface Content {
    /**
     * Type and bytes.
     *
     * @throws ModelFormatException if the type is not supported, or the bytes are missing
     * @throws IOException if the file cannot be read
     */
    Stored get() throws IOException;
  }

  /**
   * Type and bytes of a tensor.
   *
   * @param turned whether the bytes hold the transposed matrix
   */
  public record Stored(DType dtype, boolean turned, TensorData data) {}

  /**
   * The tensor by its canonical name.
   *
   * @param inOut whether the file states the shape of this matrix as {@code [in, out]}
   * @throws ModelFormatException if the shape or the type is wrong
   */
  Tensor as(Spec spec, boolean inOut) throws IOException {
    List<Long> expected = shapeOf(spec, inOut);
    if (!shape.equals(expected)) {
      throw new ModelFormatException(path, name, "shape " + expected, shape.toString());
    }
    Stored stored = content.get();
    boolean lookedUp = spec.use() == TensorPlan.Use.EMBEDDING;
    if (stored.turned() && lookedUp) {
      return spec.tensor(stored.dtype(), false, straight());
    }
    return spec.tensor(stored.dtype(), stored.turned() != inOut, aligned(stored));
  }

  /** The shape that a file must state for a tensor. */
  static List<Long> shapeOf(Spec spec, boolean inOut) {
    return switch (spec.use()) {
      case GAIN, BIAS, FACTORS -> List.of(spec.cols());
      case EMBEDDING, MATRIX, RESIDUAL ->
          inOut ? List.of(spec.cols(), spec.rows()) : List.of(spec.rows(), spec.cols());
    };
  }

  /** The bytes in the order of the shape. */
  TensorData straight() throws IOException {
    Stored stored = content.get();
    return stored.turned()
        ? new StridedData(
            stored.data(),
            stored.dtype().elementBytes(),
            0,
            shape.get(0),
            shape.get(1),
            1,
            shape.get(0))
        : aligned(stored);
  }

  /** The core computes with f32 in place, unless its address is not aligned. */
  private static TensorData aligned(Stored stored) {
    boolean odd =
        stored.dtype() == DType.F32
            && stored.data() instanceof FileRegion region
            && region.offset() % Float.BYTES != 0;
    return odd ? DerivedData.concatenation(List.of(stored.data())) : stored.data();
  }

  /**
   * Several matrices or vectors, one below the other, as one.
   *
   * @param parts the matrices, each with the columns of {@code spec} and together with its rows; or
   *     vectors that together have its length
   * @throws ModelFormatException if shapes or types are wrong
   */
  static Tensor fused(Spec spec, List<ForeignTensor> parts, long rowsOfEach) throws IOException {
    DType dtype = parts.get(0).content.get().dtype();
    List<TensorData> data = new ArrayList<>();
    for (ForeignTensor part : parts) {
      List<Long> expected =
          spec.rows() == 1 ? List.of(rowsOfEach) : List.of(rowsOfEach, spec.cols());
      if (!part.shape.equals(expected)) {
        throw new ModelFormatException(
            part.path, part.name, "shape " + expected, part.shape.toString());
      }
      DType own = part.content.get().dtype();
      if (own != dtype) {
        throw new ModelFormatException(
            part.path, part.name, dtype + ", as of " + parts.get(0).name, own.toString());
      }
      data.add(part.straight());
    }
    return spec.tensor(dtype, false, DerivedData.concatenation(data));
  }
}
