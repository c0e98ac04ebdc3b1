package dev.tandem.model;

import dev.tandem.tensor.BlockEncoder;
import dev.tandem.tensor.BlockReference;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;

/** Models whose tensors have other types, in memory. */
public final class Retyped {
  private Retyped() {}

  /** What can be written. */
  private static final Set<DType> WRITTEN =
      EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0);

  /** The model as {@code convert} would write it in a type; see {@link TypePlan}. */
  public static Checkpoint of(Checkpoint model, DType wanted) throws IOException {
    TypePlan plan = TypePlan.of(model, Optional.of(wanted), WRITTEN);
    return of(model, tensor -> plan.type(tensor.name()));
  }

  /**
   * The model with its tensors in other types, all row-major.
   *
   * @param types each tensor's new type, one that can be written
   */
  public static Checkpoint of(Checkpoint model, Function<Tensor, DType> types) throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Tensor tensor : model.tensors().values()) {
      DType dtype = types.apply(tensor);
      int cols = (int) tensor.cols();
      ByteBuffer memory = MemoryRegion.allocate((int) dtype.bytes(tensor.elements()));
      TensorRows.forEach(
          tensor, (values, rows) -> BlockEncoder.encode(dtype, values, 0, rows * cols, memory));
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
    return withRandomBlocks(model, tensor -> dtype, seed);
  }

  /** The same with a type for each matrix. */
  public static Checkpoint withRandomBlocks(
      Checkpoint model, Function<Tensor, DType> types, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Tensor tensor : model.tensors().values()) {
      DType dtype = types.apply(tensor);
      if (tensor.rows() == 1 || tensor.cols() % dtype.blockElements() != 0) {
        tensors.put(tensor.name(), tensor);
        continue;
      }
      int nBlocks = (int) (tensor.elements() / dtype.blockElements());
      double scale = 2 / Math.sqrt((double) tensor.cols());
      byte[] blocks = BlockReference.random(dtype, nBlocks, scale, random);
      ByteBuffer memory = MemoryRegion.allocate(blocks.length).put(blocks);
      tensors.put(tensor.name(), retyped(tensor, dtype, memory));
    }
    return checkpoint(model, tensors);
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
