package dev.tandem.tensor;

import dev.tandem.tensor.TensorData.Derived;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Rearrangements of stored bytes that turn foreign layouts into ours. They hold no copy in memory.
 */
public final class DerivedData {
  private DerivedData() {}

  /** Concatenates data, such as the q, k and v of a fused matrix. */
  public static TensorData concatenation(List<TensorData> parts) {
    return new Concatenation(List.copyOf(parts));
  }

  /** Zeros, such as the bias of a model without biases. */
  public static TensorData zeros(long bytes) {
    return new Zeros(bytes);
  }

  /**
   * The same rows in another order.
   *
   * @param rows whole rows of equal length
   * @param rowBytes their length
   * @param order row {@code i} of the result is row {@code order[i]} of {@code rows}
   * @throws IllegalArgumentException if the number of rows is another one, or an index is not a row
   */
  public static TensorData permutedRows(TensorData rows, long rowBytes, int[] order) {
    if (rowBytes < 1 || rows.bytes() != Math.multiplyExact(rowBytes, order.length)) {
      throw new IllegalArgumentException(
          rows.bytes() + " B are not " + order.length + " rows of " + rowBytes + " B");
    }
    for (int row : order) {
      if (row < 0 || row >= order.length) {
        throw new IllegalArgumentException("there is no row " + row + " of " + order.length);
      }
    }
    return new PermutedRows(rows, rowBytes, order.clone());
  }

  private static ByteBuffer allocate(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer readOnly(ByteBuffer filled) {
    return filled.clear().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private record Concatenation(List<TensorData> parts) implements Derived {
    @Override
    public long bytes() {
      return parts.stream().mapToLong(TensorData::bytes).sum();
    }

    @Override
    public ByteBuffer slice(long offset, int length) throws IOException {
      TensorData.checkRange(offset, length, bytes());
      ByteBuffer out = allocate(length);
      long begin = 0;
      for (TensorData part : parts) {
        long from = Math.max(offset, begin);
        long to = Math.min(offset + length, begin + part.bytes());
        if (from < to) {
          out.put(part.slice(from - begin, (int) (to - from)));
        }
        begin += part.bytes();
      }
      return readOnly(out);
    }
  }

  private record Zeros(long bytes) implements Derived {
    @Override
    public ByteBuffer slice(long offset, int length) {
      TensorData.checkRange(offset, length, bytes);
      return readOnly(allocate(length));
    }
  }

  /** Not a record: with an array, its equality would be that of identities. */
  private static final class PermutedRows implements Derived {
    private final TensorData rows;
    private final long rowBytes;
    private final int[] order;

    PermutedRows(TensorData rows, long rowBytes, int[] order) {
      this.rows = rows;
      this.rowBytes = rowBytes;
      this.order = order;
    }

    @Override
    public long bytes() {
      return rows.bytes();
    }

    @Override
    public ByteBuffer slice(long offset, int length) throws IOException {
      TensorData.checkRange(offset, length, bytes());
      ByteBuffer out = allocate(length);
      for (long at = offset; at < offset + length; ) {
        long within = at % rowBytes;
        int n = (int) Math.min(rowBytes - within, offset + length - at);
        out.put(rows.slice(order[(int) (at / rowBytes)] * rowBytes + within, n));
        at += n;
      }
      return readOnly(out);
    }
  }
}
