package dev.tandem.plain;

import dev.tandem.model.TensorRows;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.util.Arrays;

/**
 * A matrix {@code [nOut, nIn]} as f32, in tiles of {@link #TILE} outputs: within a tile, the
 * outputs' weights for one input are adjacent, so that the just-in-time compiler turns the inner
 * loop into vector instructions. An output is one sum over the inputs in their order, independent
 * of other rows and outputs.
 */
final class Matrix {
  private static final int TILE = 128;

  /** Inputs per pass over a tile's sums; several per pass save loads and stores of the sums. */
  private static final int STEP = 4;

  private final int nOut;
  private final int nIn;
  private final float[][] tiles; // [ceil(nOut / TILE)][nIn, TILE], the last padded with zeros

  private Matrix(int nOut, int nIn) {
    this.nOut = nOut;
    this.nIn = nIn;
    tiles = new float[(nOut + TILE - 1) / TILE][Math.multiplyExact(nIn, TILE)];
  }

  /**
   * Reads a tensor of any type and layout.
   *
   * @throws IOException if its file cannot be read
   */
  static Matrix read(Tensor tensor) throws IOException {
    Matrix matrix = new Matrix(Math.toIntExact(tensor.rows()), Math.toIntExact(tensor.cols()));
    int[] next = {0};
    TensorRows.forEach(
        tensor,
        (values, rows) -> {
          for (int r = 0; r < rows; r++) {
            matrix.putRow(next[0]++, values, r * matrix.nIn);
          }
        });
    return matrix;
  }

  private void putRow(int out, float[] values, int from) {
    float[] tile = tiles[out / TILE];
    int column = out % TILE;
    for (int i = 0; i < nIn; i++) {
      tile[i * TILE + column] = values[from + i];
    }
  }

  /** The number of outputs. */
  int nOut() {
    return nOut;
  }

  /** Bytes of its elements, without the padding. */
  long bytes() {
    return (long) Float.BYTES * nOut * nIn;
  }

  /**
   * Computes {@code y[r, o] = sum of x[r, i] * w[o, i] + bias[o]}, or adds it to {@code y} if
   * {@code add}.
   *
   * @param y {@code [nRows, ldy]}, of which columns {@code column .. column + nOut - 1} are written
   * @param x {@code [nRows, nIn]}
   * @param bias {@code [nOut]}, or empty for none
   */
  void multiply(
      Rows y, int column, float[] x, int nRows, float[] bias, boolean add, Workers workers) {
    workers.forEach(
        tiles.length,
        t -> {
          int begin = t * TILE;
          int n = Math.min(TILE, nOut - begin);
          float[] sums = new float[TILE];
          for (int r = 0; r < nRows; r++) {
            Arrays.fill(sums, 0);
            if (bias.length > 0) {
              System.arraycopy(bias, begin, sums, 0, n);
            }
            sumTile(sums, tiles[t], x, r * nIn);
            int to = r * y.width() + column + begin;
            for (int j = 0; j < n; j++) {
              y.values()[to + j] = add ? y.values()[to + j] + sums[j] : sums[j];
            }
          }
        });
  }

  private void sumTile(float[] sums, float[] tile, float[] x, int from) {
    int i = 0;
    for (; i + STEP <= nIn; i += STEP) {
      int at = from + i;
      addFour(sums, tile, i * TILE, x[at], x[at + 1], x[at + 2], x[at + 3]);
    }
    for (; i < nIn; i++) {
      for (int j = 0; j < TILE; j++) {
        sums[j] += x[from + i] * tile[i * TILE + j];
      }
    }
  }

  private static void addFour(
      float[] sums, float[] tile, int at, float x0, float x1, float x2, float x3) {
    int at1 = at + TILE;
    int at2 = at + 2 * TILE;
    int at3 = at + 3 * TILE;
    for (int j = 0; j < TILE; j++) {
      sums[j] =
          sums[j]
              + x0 * tile[at + j]
              + x1 * tile[at1 + j]
              + x2 * tile[at2 + j]
              + x3 * tile[at3 + j];
    }
  }
}
