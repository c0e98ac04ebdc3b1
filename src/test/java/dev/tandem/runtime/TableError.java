package dev.tandem.runtime;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.tensor.Tensor;
import java.io.IOException;

/**
 * How far the f16 activation table can move a GPT-2's logits from those of the formula.
 *
 * <p>A lookup rounds its input and its output to 11 bits (u = 2^-11), so it is off by at most
 * {@code u (|x g'(x)| + |g(x)|) <= 2.13 u |x|}, since {@code |g'| <= 1.13} and {@code |g(x)| <=
 * |x|}. Rounding errors of different units are independent and spread evenly, so a unit's variance
 * is a third of its bound's square, and they add up in quadrature:
 *
 * <ul>
 *   <li>x = Wup LN(h) + b. A normalised row has unit variance times the gain, so the root mean
 *       square of x_i is at most {@code r_i = |Wup_i gain| + |Wup_i bias + b_i|}.
 *   <li>Block l adds to the residual stream an error with {@code |e_l|^2 = sum_i |Wdown_i|^2 (2.13
 *       u r_i)^2 / 3}.
 *   <li>The head divides by the residual stream's standard deviation s and multiplies by gain and
 *       the token's row w_v: {@code sigma = max_v |w_v gain| |e| / (s sqrt(dModel))}.
 * </ul>
 *
 * <p>The bound is 6 sigma (one logit in 5 * 10^8 would exceed it), doubled because later blocks
 * pass an error on with a gain of their own, which for a trained residual network is near 1 in
 * addition to the identity.
 */
final class TableError {
  private static final double U = 0x1p-11;
  private static final double SLOPE = 2.13;
  private static final double SIGMAS = 6;
  private static final double LATER_BLOCKS = 2;

  private TableError() {}

  /**
   * The bound.
   *
   * @param residualDeviation smallest standard deviation of the rows of the residual stream that
   *     enter the final norm
   */
  static double bound(Checkpoint checkpoint, double residualDeviation) throws IOException {
    ModelConfig c = checkpoint.config();
    double square = 0;
    for (int layer = 0; layer < c.nLayers(); layer++) {
      square += blockErrorSquare(checkpoint, "blk." + layer + ".");
    }
    double sigma =
        headNorm(checkpoint) * Math.sqrt(square) / (residualDeviation * Math.sqrt(c.dModel()));
    return LATER_BLOCKS * SIGMAS * sigma;
  }

  private static double blockErrorSquare(Checkpoint checkpoint, String block) throws IOException {
    ModelConfig c = checkpoint.config();
    float[][] up = matrix(checkpoint.tensor(block + "ffn_up.weight")); // [dFf, dModel]
    float[][] down = matrix(checkpoint.tensor(block + "ffn_down.weight")); // [dModel, dFf]
    float[] upBias = matrix(checkpoint.tensor(block + "ffn_up.bias"))[0];
    float[] gain = matrix(checkpoint.tensor(block + "ffn_norm.weight"))[0];
    float[] bias = matrix(checkpoint.tensor(block + "ffn_norm.bias"))[0];
    double square = 0;
    for (int i = 0; i < c.dFf(); i++) {
      double variance = 0;
      double mean = upBias[i];
      double column = 0;
      for (int k = 0; k < c.dModel(); k++) {
        variance += Math.pow((double) up[i][k] * gain[k], 2);
        mean += (double) up[i][k] * bias[k];
        column += Math.pow(down[k][i], 2);
      }
      double unit = SLOPE * U * (Math.sqrt(variance) + Math.abs(mean));
      square += column * unit * unit / 3;
    }
    return square;
  }

  private static double headNorm(Checkpoint checkpoint) throws IOException {
    float[] gain = matrix(checkpoint.tensor("output_norm.weight"))[0];
    double largest = 0;
    for (float[] row : matrix(checkpoint.tensor("token_embd.weight"))) {
      double square = 0;
      for (int k = 0; k < row.length; k++) {
        square += Math.pow((double) row[k] * gain[k], 2);
      }
      largest = Math.max(largest, Math.sqrt(square));
    }
    return largest;
  }

  /** A tensor as [out, in]. */
  private static float[][] matrix(Tensor tensor) throws IOException {
    int rows = Math.toIntExact(tensor.rows());
    int cols = Math.toIntExact(tensor.cols());
    float[] stored = new float[rows * cols];
    tensor.read(0, stored.length, stored, 0);
    float[][] matrix = new float[rows][cols];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        matrix[r][c] = stored[tensor.transposed() ? c * rows + r : r * cols + c];
      }
    }
    return matrix;
  }
}
