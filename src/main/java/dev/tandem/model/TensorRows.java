package dev.tandem.model;

import dev.tandem.tensor.Tensor;
import java.io.IOException;

/**
 * Reads a tensor's logical rows {@code [rows, cols]} as f32, in order, for any type and layout. The
 * buffers do not depend on the tensor's size: some rows at a time, and at least one.
 */
public final class TensorRows {
  /** The approximate size of a buffer, which holds as many rows as fit. */
  private static final int PANEL_BYTES = 8 << 20;

  /**
   * Each row of a transposed buffer is one stream of writes; more would not stay in a core's cache.
   */
  private static final long MAX_PANEL_ROWS = 4096;

  private TensorRows() {}

  /** Receives the rows of a tensor, some at a time. */
  @FunctionalInterface
  public interface Sink {
    /**
     * Receives the next rows.
     *
     * @param values {@code [rows, cols]} f32 row-major from index 0 on; reused for the next rows
     * @param rows the number of rows, at least one
     * @throws IOException if they cannot be passed on
     */
    void accept(float[] values, int rows) throws IOException;
  }

  /**
   * Gives all rows of a tensor to a sink.
   *
   * @throws IOException if the file cannot be read or is shorter than when it was opened, or the
   *     sink fails
   */
  public static void forEach(Tensor tensor, Sink sink) throws IOException {
    forEach(tensor, new float[elementsAtATime(tensor)], sink);
  }

  /** Like {@link #forEach(Tensor, Sink)}, in an array of at least {@link #elementsAtATime}. */
  static void forEach(Tensor tensor, float[] values, Sink sink) throws IOException {
    int cols = Math.toIntExact(tensor.cols());
    int nRows = rowsAtATime(tensor, Float.BYTES);
    float[] column = new float[tensor.transposed() ? nRows : 0];
    for (long row = 0; row < tensor.rows(); row += nRows) {
      int n = (int) Math.min(nRows, tensor.rows() - row);
      if (tensor.transposed()) {
        for (int c = 0; c < cols; c++) {
          tensor.read(c * tensor.rows() + row, n, column, 0);
          for (int r = 0; r < n; r++) {
            values[r * cols + c] = column[r];
          }
        }
      } else {
        tensor.read(row * cols, n * cols, values, 0);
      }
      sink.accept(values, n);
    }
  }

  /** The number of values read at a time. */
  static int elementsAtATime(Tensor tensor) {
    return Math.toIntExact(Math.multiplyExact(rowsAtATime(tensor, Float.BYTES), tensor.cols()));
  }

  /**
   * The number of rows to read at a time.
   *
   * @param elementBytes the bytes of one element in memory
   */
  static int rowsAtATime(Tensor tensor, int elementBytes) {
    long rowBytes = Math.multiplyExact(tensor.cols(), elementBytes);
    long fitting = Math.max(1, Math.min(MAX_PANEL_ROWS, PANEL_BYTES / rowBytes));
    return (int) Math.min(fitting, tensor.rows());
  }
}
