package dev.tandem.plain;

import dev.tandem.model.NormKind;

/** A normalisation; sums are f64. */
final class Norm {
  private final NormKind kind;
  private final float eps;
  private final float[] gain; // [dModel]
  private final float[] bias; // [dModel], or empty for none

  Norm(NormKind kind, float eps, float[] gain, float[] bias) {
    this.kind = kind;
    this.eps = eps;
    this.gain = gain;
    this.bias = bias;
  }

  /** Writes the normed row of {@code x}; {@code y} may be {@code x}. */
  void apply(float[] y, float[] x, int row) {
    int n = gain.length;
    int from = row * n;
    double mean = 0;
    if (kind == NormKind.LAYER) {
      for (int i = 0; i < n; i++) {
        mean += x[from + i];
      }
      mean /= n;
    }
    double variance = 0;
    for (int i = 0; i < n; i++) {
      double difference = x[from + i] - mean;
      variance += difference * difference;
    }
    double scale = 1 / Math.sqrt(variance / n + eps);
    for (int i = 0; i < n; i++) {
      float normed = (float) ((x[from + i] - mean) * scale) * gain[i];
      y[from + i] = bias.length > 0 ? normed + bias[i] : normed;
    }
  }
}
