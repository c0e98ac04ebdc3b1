package dev.tandem.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Objects;

/**
 * Reads single rows of a matrix as f32 and reuses its memory: reading rows from a file or from
 * memory allocates nothing. For one thread at a time.
 */
public final class RowReader {
  private final Tensor tensor;
  private final byte[] bytes;
  private final ByteBuffer stored;
  private final FloatBuffer floats;

  /**
   * Creates a reader of this tensor's rows.
   *
   * @throws IllegalArgumentException if they are not stored one after another
   */
  public RowReader(Tensor tensor) {
    if (tensor.transposed()) {
      throw new IllegalArgumentException(tensor.name() + " is stored by columns");
    }
    this.tensor = tensor;
    bytes = new byte[Math.toIntExact(tensor.dtype().bytes(tensor.cols()))];
    stored = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    floats = stored.asFloatBuffer();
  }

  /**
   * Reads a row.
   *
   * @param into {@code [cols]}
   * @throws IOException if the file cannot be read or is shorter than when it was opened
   * @throws IndexOutOfBoundsException if there is no such row or {@code into} is shorter
   */
  public void read(long row, float[] into) throws IOException {
    Objects.checkIndex(row, tensor.rows());
    tensor.data().read(row * bytes.length, bytes);
    int cols = (int) tensor.cols();
    if (tensor.dtype() == DType.F32) {
      floats.get(0, into, 0, cols); // decode() would create a view each time
    } else {
      tensor.decode(stored, cols, into, 0);
    }
  }
}
