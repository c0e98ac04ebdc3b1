package dev.tandem.measure;

import java.util.Arrays;

/**
 * The three quartiles of some measurements.
 *
 * @param lower a quarter of the values are below it
 * @param median half of the values are below it
 * @param upper three quarters of the values are below it
 */
public record Quartiles(double lower, double median, double upper) {

  /**
   * The quartiles of at least one value, interpolated between adjacent values.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Quartiles of(double[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return new Quartiles(at(sorted, 0.25), at(sorted, 0.5), at(sorted, 0.75));
  }

  private static double at(double[] sorted, double share) {
    double index = share * (sorted.length - 1);
    int below = (int) index;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (index - below) * (sorted[above] - sorted[below]);
  }
}
