package dev.tandem.weights;

import dev.tandem.tensor.BlockEncoder;
import dev.tandem.tensor.BlockReference;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/** Models whose tensors have other types, in memory. */
public final class Retyped {
  private Retyped() {}

  /**
   * The model with its tensors in other types, all row-major.
   *
   * @param types each tensor's new type, one that can be written
   */
  public static Checkpoint of(Checkpoint model, Function<Tensor, DType> types) throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Tensor tensor : model.tensors().values()) {
      float[] values = values(tensor);
      DType dtype = types.apply(tensor);
      ByteBuffer memory = MemoryRegion.allocate((int) dtype.bytes(values.length));
      BlockEncoder.encode(dtype, values, 0, values.length, memory);
      tensors.put(tensor.name(), retyped(tensor, dtype, memory));
    }
    return checkpoint(model, tensors);
  }

  /** The model with its values in f32. */
  public static Checkpoint toF32(Checkpoint model) throws IOException {
    return of(model, tensor -> DType.F32);
  }

  /**
   * The model with random blocks of a type in place of its matrices, about as large as trained
   * weights; matrices whose rows are not whole blocks keep theirs.
   */
  public static Checkpoint withRandomBlocks(Checkpoint model, DType dtype, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Tensor tensor : model.tensors().values()) {
      if (tensor.rows() == 1 || tensor.cols() % dtype.blockElements() != 0) {
        tensors.put(tensor.name(), tensor);
        continue;
      }
      int nBlocks = (int) (tensor.elements() / dtype.blockElements());
      double scale = 2 / Math.sqrt(tensor.cols());
      byte[] blocks = BlockReference.random(dtype, nBlocks, scale, random);
      ByteBuffer memory = MemoryRegion.allocate(blocks.length).put(blocks);
      tensors.put(tensor.name(), retyped(tensor, dtype, memory));
    }
    return checkpoint(model, tensors);
  }

  /** All values, {@code [rows, cols]}. */
  private static float[] values(Tensor tensor) throws IOException {
    int rows = (int) tensor.rows();
    int cols = (int) tensor.cols();
    float[] stored = new float[rows * cols];
    tensor.read(0, stored.length, stored, 0);
    if (!tensor.transposed()) {
      return stored;
    }
    float[] values = new float[stored.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        values[r * cols + c] = stored[c * rows + r];
      }
    }
    return values;
  }

  private static Tensor retyped(Tensor tensor, DType dtype, ByteBuffer memory) {
    return new Tensor(
        tensor.name(), dtype, tensor.rows(), tensor.cols(), false, new MemoryRegion(memory));
  }

  private static Checkpoint checkpoint(Checkpoint model, Map<String, Tensor> tensors) {
    return new Checkpoint(
        model.name(), "in memory", model.config(), tensors, model::tokenizer, List.of());
  }
}
