package dev.tandem.sampling;

/** The best token. */
final class Argmax {

  private Argmax() {}

  /**
   * The index of the largest value, ties to the lower index; {@link Sampler#NO_TOKEN} if all are
   * NaN or negative infinity.
   */
  static int of(float[] values) {
    int best = Sampler.NO_TOKEN;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < values.length; i++) {
      if (values[i] > max) {
        max = values[i];
        best = i;
      }
    }
    return best;
  }
}
