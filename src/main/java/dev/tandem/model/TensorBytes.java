package dev.tandem.model;

import dev.tandem.tensor.BlockEncoder;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A tensor's elements in canonical form: little-endian, logical {@code [rows, cols]} row-major, in
 * its own type or in another one. The buffers do not depend on the tensor's size, and are reused
 * for the next tensor, because new buffers would make Java's heap grow.
 */
public final class TensorBytes {
  private static final int CHUNK_BYTES = 1 << 20;

  private float[] values = {};
  private ByteBuffer panel = ByteBuffer.allocate(0).order(ByteOrder.LITTLE_ENDIAN);

  /** Receives the bytes of a tensor, some at a time. */
  @FunctionalInterface
  public interface Sink {
    /**
     * Receives the next bytes: all that remain in a buffer, which is reused afterwards.
     *
     * @throws IOException if they cannot be passed on
     */
    void accept(ByteBuffer bytes) throws IOException;
  }

  /**
   * Gives all bytes of a tensor to a sink. A tensor that has the type already keeps every bit.
   *
   * @param dtype the tensor's own, or one that {@link BlockEncoder} writes
   * @throws ModelFormatException if the type cannot hold a value
   * @throws IOException if the file cannot be read or is shorter than when it was opened, or the
   *     sink fails
   */
  public void forEach(Tensor tensor, DType dtype, Sink sink) throws IOException {
    if (dtype != tensor.dtype()) {
      convert(tensor, dtype, sink);
    } else if (tensor.transposed() && tensor.rows() > 1 && tensor.cols() > 1) {
      turn(tensor, sink);
    } else {
      copy(tensor.data(), sink);
    }
  }

  private void convert(Tensor tensor, DType dtype, Sink sink) throws IOException {
    int elements = TensorRows.elementsAtATime(tensor);
    if (values.length < elements) {
      values = new float[elements];
    }
    ByteBuffer out = cleared(dtype.bytes(elements));
    TensorRows.forEach(
        tensor,
        values,
        (read, rows) -> {
          try {
            BlockEncoder.encode(dtype, read, 0, Math.toIntExact(rows * tensor.cols()), out);
          } catch (ArithmeticException e) {
            throw new ModelFormatException(
                tensor.name(), e.getMessage() + "; convert it to f32 instead");
          }
          sink.accept(out.flip());
          out.clear();
        });
  }

  private static void copy(TensorData data, Sink sink) throws IOException {
    for (long offset = 0; offset < data.bytes(); offset += CHUNK_BYTES) {
      sink.accept(data.slice(offset, (int) Math.min(CHUNK_BYTES, data.bytes() - offset)));
    }
  }

  private void turn(Tensor tensor, Sink sink) throws IOException {
    int elementBytes = tensor.dtype().elementBytes();
    int rowBytes = Math.toIntExact(Math.multiplyExact(tensor.cols(), elementBytes));
    int nRows = TensorRows.rowsAtATime(tensor, elementBytes);
    ByteBuffer out = cleared((long) nRows * rowBytes);
    for (long row = 0; row < tensor.rows(); row += nRows) {
      int n = (int) Math.min(nRows, tensor.rows() - row);
      for (int col = 0; col < tensor.cols(); col++) {
        long first = col * tensor.rows() + row;
        ByteBuffer stored = tensor.data().slice(first * elementBytes, n * elementBytes);
        scatter(stored, n, out, col * elementBytes, rowBytes, elementBytes);
      }
      sink.accept(out.duplicate().limit(n * rowBytes));
    }
  }

  private ByteBuffer cleared(long bytes) {
    if (panel.capacity() < bytes) {
      panel = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    }
    return panel.clear();
  }

  /** Copies n adjacent elements to one column. */
  private static void scatter(
      ByteBuffer from, int n, ByteBuffer to, int offset, int strideBytes, int elementBytes) {
    switch (elementBytes) {
      case Short.BYTES -> {
        for (int i = 0; i < n; i++) {
          to.putShort(offset + i * strideBytes, from.getShort(i * Short.BYTES));
        }
      }
      case Integer.BYTES -> {
        for (int i = 0; i < n; i++) {
          to.putInt(offset + i * strideBytes, from.getInt(i * Integer.BYTES));
        }
      }
      default -> throw new IllegalStateException("elements of " + elementBytes + " B");
    }
  }
}
