package dev.tandem.formats.dumps;

import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Tensors that lie in a file one after another, in the order of the format. */
final class FlatLayout {
  private final TensorPlan plan;
  private final Map<String, Placed> placed = new HashMap<>();
  private long end;

  /** Makes a tensor of its stored bytes. */
  private interface Form {
    Tensor of(Spec spec, TensorData stored);
  }

  private record Placed(long offset, long bytes, Form form) {}

  /**
   * A layout without tensors.
   *
   * @param plan the tensors that the model has
   * @param headerBytes the offset of the first tensor
   */
  FlatLayout(TensorPlan plan, long headerBytes) {
    this.plan = plan;
    this.end = headerBytes;
  }

  /** The next tensor, {@code [out, in]} row-major. */
  void place(String name, DType dtype) {
    place(name, dtype, false);
  }

  /** The next tensor, {@code [in, out]} row-major if it is transposed. */
  void place(String name, DType dtype, boolean transposed) {
    long bytes = dtype.bytes(plan.spec(name).elements());
    add(name, bytes, (spec, stored) -> spec.tensor(dtype, transposed, stored));
  }

  /**
   * The next tensor, followed by padding rows.
   *
   * @param storedRows the number of rows with the padding, at least the tensor's rows
   */
  void placePadded(String name, DType dtype, long storedRows) {
    Spec padded = plan.spec(name);
    long bytes = dtype.bytes(Math.multiplyExact(storedRows, padded.cols()));
    add(
        name,
        bytes,
        (spec, stored) ->
            spec.tensor(dtype, false, stored.region(0, dtype.bytes(spec.elements()))));
  }

  /** The next tensor, as int8 in groups with f32 scales behind them; see {@link Int8Groups}. */
  void placeInt8Groups(String name, int groupSize) {
    long elements = plan.spec(name).elements();
    add(
        name,
        Int8Groups.storedBytes(elements, groupSize),
        (spec, stored) ->
            spec.tensor(DType.F32, false, new Int8Groups(stored, elements, groupSize)));
  }

  /** Skips bytes that are not needed. */
  void skip(long bytes) {
    end = Math.addExact(end, bytes);
  }

  private void add(String name, long bytes, Form form) {
    placed.put(name, new Placed(end, bytes, form));
    skip(bytes);
  }

  /** The end of the last tensor, which must be the end of the file. */
  long end() {
    return end;
  }

  /** Whether a file has the right length. */
  boolean fits(OpenFile file) {
    return end == file.data().bytes();
  }

  /**
   * Checks that a file has the right length.
   *
   * @throws ModelFormatException if it has another length
   */
  void check(OpenFile file) throws ModelFormatException {
    if (!fits(file)) {
      throw new ModelFormatException(
          file.path(), "file length", end + " B for its header", file.data().bytes() + " B");
    }
  }

  /** The tensors of a file with the right length, in canonical order. */
  Map<String, Tensor> tensors(OpenFile file) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : plan.specs()) {
      Placed place = placed.get(spec.name());
      if (place == null) {
        throw new IllegalStateException("the format has no " + spec.name());
      }
      TensorData stored = file.data().region(place.offset(), place.bytes());
      tensors.put(spec.name(), place.form().of(spec, stored));
    }
    return tensors;
  }
}
