package dev.tandem.formats.families;

import dev.tandem.formats.files.ExpandedData;
import dev.tandem.model.TensorBytes;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.DerivedData;
import dev.tandem.tensor.OutputFile;
import dev.tandem.tensor.Tensor;
import dev.tandem.types.ConversionProgress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Tensors in the layouts of other programs; nothing is copied until it is read. */
public final class ForeignViews {
  private ForeignViews() {}

  /** {@code [in, out]} of a matrix that is {@code [out, in]}. */
  public static Tensor turned(Tensor tensor) {
    Tensor plain =
        tensor.dtype().isQuantized()
            ? new Tensor(
                tensor.name(),
                DType.F32,
                tensor.rows(),
                tensor.cols(),
                false,
                new ExpandedData(tensor))
            : tensor;
    return new Tensor(
        plain.name(),
        plain.dtype(),
        /* rows= */ plain.cols(),
        /* cols= */ plain.rows(),
        !plain.transposed(),
        plain.data());
  }

  /**
   * Queries or keys in the order of Hugging Face's rotary pairs {@code (i, i + headDim/2)}; see
   * {@link LlamaFamily}.
   *
   * @param tensor a matrix {@code [heads * headDim, cols]}, or its bias
   */
  public static Tensor inHalves(Tensor tensor, int heads, int headDim) {
    if (tensor.transposed()) {
      throw new IllegalStateException(tensor.name() + ": no reader gives it transposed");
    }
    int[] pairs = LlamaFamily.pairsTogether(heads, headDim);
    int[] order = new int[pairs.length];
    for (int row = 0; row < pairs.length; row++) {
      order[pairs[row]] = row;
    }
    return new Tensor(
        tensor.name(),
        tensor.dtype(),
        tensor.rows(),
        tensor.cols(),
        false,
        DerivedData.permutedRows(tensor.data(), tensor.bytes() / order.length, order));
  }

  /** Appends a tensor to a file, its rows in order. */
  public static void write(OutputFile file, Tensor view, DType type, ConversionProgress progress)
      throws IOException {
    new TensorBytes()
        .forEach(
            view,
            type,
            bytes -> {
              int n = bytes.remaining();
              file.write(bytes);
              progress.advance(view.name(), n);
            });
  }

  /** Writes a small file. */
  public static void write(Path path, byte[] content) throws IOException {
    try (OutputFile file = OutputFile.create(path)) {
      file.write(ByteBuffer.wrap(content));
      file.sync();
    }
  }
}
