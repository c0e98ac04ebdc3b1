package dev.tandem.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StridedDataTest {

  /** Shorts 0, 1, 2, ... so that an element's value is its index. */
  private static TensorData numbers(int n) {
    ByteBuffer memory = MemoryRegion.allocate(2 * n);
    for (int i = 0; i < n; i++) {
      memory.putShort(2 * i, (short) i);
    }
    return new MemoryRegion(memory);
  }

  private static short[] shorts(TensorData data) throws IOException {
    short[] values = new short[(int) data.bytes() / 2];
    data.slice(0, (int) data.bytes()).asShortBuffer().get(values);
    return values;
  }

  @Test
  void aTransposedMatrixAndACutOutOne() throws IOException {
    TensorData source = numbers(8);
    assertThat(shorts(new StridedData(source, 2, 1, 3, 2, 1, 3))).containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(shorts(new StridedData(source, 2, 1, 2, 2, 4, 1))).containsExactly(1, 2, 5, 6);
    assertThat(shorts(new StridedData(source, 2, 0, 1, 3, 0, 3))).containsExactly(0, 3, 6);
  }

  @Test
  void anyPartOfAnyMatrixIsThatOfItsDefinition() throws IOException {
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      int rows = 1 + random.nextInt(9);
      int cols = 1 + random.nextInt(9);
      long[] strides =
          switch (random.nextInt(4)) {
            case 0 -> new long[] {1, rows};
            case 1 -> new long[] {cols + random.nextInt(3), 1};
            case 2 -> new long[] {1, rows + random.nextInt(3)};
            default -> new long[] {2, 2L * rows + 1};
          };
      int first = random.nextInt(4);
      int needed = first + (int) ((rows - 1) * strides[0] + (cols - 1) * strides[1]) + 1;
      TensorData source = numbers(Math.max(needed, rows * cols));
      TensorData data = new StridedData(source, 2, first, rows, cols, strides[0], strides[1]);
      byte[] expected = new byte[2 * rows * cols];
      for (int i = 0; i < rows * cols; i++) {
        long at = first + i / cols * strides[0] + i % cols * strides[1];
        expected[2 * i] = (byte) at;
        expected[2 * i + 1] = (byte) (at >> 8);
      }
      int offset = random.nextInt(expected.length + 1);
      int length = random.nextInt(expected.length - offset + 1);
      byte[] part = new byte[length];
      data.slice(offset, length).get(part);
      assertThat(part)
          .as("seed %d", seed)
          .isEqualTo(java.util.Arrays.copyOfRange(expected, offset, offset + length));
      assertThat(data.region(offset, length).bytes()).isEqualTo(length);
    }
  }

  @Test
  void whatIsBeyondTheSourceIsRefused() {
    TensorData source = numbers(10);
    long[][] wrong = {
      {1, 5, 2, 2, 1},
      {0, 11, 1, 1, 1},
      {0, 0, 1, 1, 1},
      {0, 2, 2, -1, 1},
      {0, 4, 4, 0, 0},
      {-1, 2, 2, 2, 1},
      {0, 2, 2, Long.MAX_VALUE, 1},
      {0, Long.MAX_VALUE, 2, 0, 1},
      {9, 2, 1, 1, 1}
    };
    for (long[] w : wrong) {
      assertThatThrownBy(() -> new StridedData(source, 2, w[0], w[1], w[2], w[3], w[4]))
          .isInstanceOfAny(
              IllegalArgumentException.class,
              IndexOutOfBoundsException.class,
              ArithmeticException.class);
    }
  }
}
