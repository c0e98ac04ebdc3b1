package dev.tandem.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * One stored tensor. Matrices are logically {@code [rows = out, cols = in]}; vectors are {@code [1,
 * n]}.
 *
 * @param name canonical (GGUF-style) name
 * @param dtype element type
 * @param rows logical rows
 * @param cols logical columns
 * @param transposed whether the bytes hold {@code [cols, rows]} row-major instead of {@code [rows,
 *     cols]}; false if the type is quantised
 * @param data the bytes
 */
public record Tensor(
    String name, DType dtype, long rows, long cols, boolean transposed, TensorData data) {

  /**
   * Checks the shape against the bytes.
   *
   * @throws IllegalArgumentException if they disagree
   */
  public Tensor {
    if (dtype.isQuantized() && (transposed || cols % dtype.blockElements() != 0)) {
      throw new IllegalArgumentException(
          name + ": " + dtype + " needs rows of whole blocks, got [" + rows + ", " + cols + "]");
    }
    if (rows < 1 || cols < 1 || data.bytes() != dtype.bytes(Math.multiplyExact(rows, cols))) {
      throw new IllegalArgumentException(
          name + ": " + dtype + " [" + rows + ", " + cols + "] in " + data.bytes() + " B");
    }
  }

  /** Number of elements. */
  public long elements() {
    return rows * cols;
  }

  /** Number of bytes. */
  public long bytes() {
    return data.bytes();
  }

  /**
   * Reads elements in the order in which they are stored, as f32.
   *
   * @param first index of the first element, in storage order; it and {@code count} are multiples
   *     of a quantised type's block
   * @param into receives {@code count} values from index {@code at} on
   * @throws IOException if the file cannot be read or is shorter than when it was opened
   * @throws IndexOutOfBoundsException if a range is exceeded
   */
  public void read(long first, int count, float[] into, int at) throws IOException {
    Objects.checkFromIndexSize(first, (long) count, elements());
    Objects.checkFromIndexSize(at, count, into.length);
    int bytes = Math.toIntExact(dtype.bytes(count));
    decode(data.slice(dtype.bytes(first), bytes), count, into, at);
  }

  /** Turns stored elements, from the buffer's index 0 on, into f32. */
  void decode(ByteBuffer stored, int count, float[] into, int at) {
    switch (dtype) {
      case F32 -> stored.asFloatBuffer().get(into, at, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Float16.toFloat(stored.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = BFloat16.toFloat(stored.getShort(2 * i));
        }
      }
      default -> QuantizedBlocks.decode(dtype, stored, count, into, at);
    }
  }
}
