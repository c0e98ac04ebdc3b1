package dev.tandem.plain;

/** A linear layer. */
final class Linear {
  private final Matrix weights; // [nOut, nIn]
  private final float[] bias; // [nOut], or empty for none

  Linear(Matrix weights, float[] bias) {
    this.weights = weights;
    this.bias = bias;
  }

  Matrix weights() {
    return weights;
  }

  /** {@code y = weights * x + bias} starting at y's column. */
  void apply(Rows y, int column, Rows x, int nRows, Workers workers) {
    weights.multiply(y, column, x.values(), nRows, bias, false, workers);
  }

  /** {@code y += weights * x + bias}. */
  void addTo(Rows y, Rows x, int nRows, Workers workers) {
    weights.multiply(y, 0, x.values(), nRows, bias, true, workers);
  }
}
