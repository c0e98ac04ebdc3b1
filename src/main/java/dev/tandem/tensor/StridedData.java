package dev.tandem.tensor;

import dev.tandem.tensor.TensorData.Derived;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Presents a strided matrix, such as a transposed one or a slice, as contiguous rows. It holds no
 * copy in memory.
 */
public final class StridedData implements Derived {
  private final TensorData source;
  private final int elementBytes;
  private final long first;
  private final long rows;
  private final long cols;
  private final long rowStride;
  private final long colStride;

  /**
   * Element {@code (r, c)} is element {@code first + r * rowStride + c * colStride} of the source.
   *
   * @param source whole elements
   * @throws IllegalArgumentException if an extent is below 1, a stride is negative, or there are
   *     more elements than the source has
   * @throws IndexOutOfBoundsException if an element is not within the source
   * @throws ArithmeticException if an index overflows a long
   */
  public StridedData(
      TensorData source,
      int elementBytes,
      long first,
      long rows,
      long cols,
      long rowStride,
      long colStride) {
    if (rows < 1 || cols < 1 || rowStride < 0 || colStride < 0) {
      throw new IllegalArgumentException(
          "shape [" + rows + ", " + cols + "], strides [" + rowStride + ", " + colStride + "]");
    }
    long elements = source.bytes() / elementBytes;
    if (Math.multiplyExact(rows, cols) > elements) {
      throw new IllegalArgumentException(
          "[" + rows + ", " + cols + "] out of " + elements + " elements");
    }
    long reach =
        Math.addExact(
            Math.multiplyExact(rows - 1, rowStride), Math.multiplyExact(cols - 1, colStride));
    TensorData.checkRange(first, Math.addExact(reach, 1), elements);
    this.source = source;
    this.elementBytes = elementBytes;
    this.first = first;
    this.rows = rows;
    this.cols = cols;
    this.rowStride = rowStride;
    this.colStride = colStride;
  }

  @Override
  public long bytes() {
    return rows * cols * elementBytes;
  }

  @Override
  public ByteBuffer slice(long offset, int length) throws IOException {
    TensorData.checkRange(offset, length, bytes());
    long begin = offset / elementBytes;
    long end = (offset + length + elementBytes - 1) / elementBytes;
    byte[] whole = new byte[Math.toIntExact((end - begin) * elementBytes)];
    if (colStride != 1 && rowStride == 1) {
      gatherColumns(begin, end, whole);
    } else {
      gatherRows(begin, end, whole);
    }
    return ByteBuffer.wrap(whole, (int) (offset - begin * elementBytes), length)
        .slice()
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads runs of a row if its elements are adjacent, otherwise element by element. */
  private void gatherRows(long begin, long end, byte[] into) throws IOException {
    for (long at = begin; at < end; ) {
      long col = at % cols;
      int n = colStride == 1 ? (int) Math.min(cols - col, end - at) : 1;
      long from = first + at / cols * rowStride + col * colStride;
      source
          .slice(from * elementBytes, n * elementBytes)
          .get(into, (int) (at - begin) * elementBytes, n * elementBytes);
      at += n;
    }
  }

  /** Reads runs of a column and scatters them, because one read per element would be slow. */
  private void gatherColumns(long begin, long end, byte[] into) throws IOException {
    long firstRow = begin / cols;
    int n = (int) ((end - 1) / cols - firstRow) + 1;
    for (long col = 0; col < cols; col++) {
      long from = first + firstRow + col * colStride;
      ByteBuffer run = source.slice(from * elementBytes, n * elementBytes);
      for (int i = 0; i < n; i++) {
        long at = (firstRow + i) * cols + col;
        if (at >= begin && at < end) {
          run.get(i * elementBytes, into, (int) (at - begin) * elementBytes, elementBytes);
        }
      }
    }
  }
}
