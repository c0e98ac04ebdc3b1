package dev.tandem.protocol;

import dev.tandem.sampling.TopLogits;
import java.util.List;

/**
 * What an {@link Open} asks for with reply {@code topk}.
 *
 * @param k entries of a row, 1 to {@link TopLogits#MAX_SIZE}; a smaller vocabulary has fewer
 * @param temperatures those of the sums of a row: at most {@link TopLogits#MAX_TEMPERATURES}, each
 *     finite and above 0
 */
public record TopReply(int k, List<Double> temperatures) {
  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if a number is out of range
   */
  public TopReply {
    temperatures = List.copyOf(temperatures);
    if (k < 1 || k > TopLogits.MAX_SIZE) {
      throw new IllegalArgumentException("k must be in 1.." + TopLogits.MAX_SIZE + ", got " + k);
    }
    if (temperatures.size() > TopLogits.MAX_TEMPERATURES) {
      throw new IllegalArgumentException(
          temperatures.size() + " temperatures, at most " + TopLogits.MAX_TEMPERATURES);
    }
    for (double temperature : temperatures) {
      if (!(temperature >= 1e-30 && temperature <= 1e30)) {
        throw new IllegalArgumentException(
            "temperatures must be in 1e-30..1e30, got " + temperature);
      }
    }
  }

  /** Entries of a row of that many logits. */
  public int entries(int vocabSize) {
    return Math.min(k, vocabSize);
  }

  /** Columns of a tensor frame: 4-byte words of a row. */
  public int columns(int vocabSize) {
    return 2 * (entries(vocabSize) + temperatures.size());
  }

  double[] temperatureArray() {
    return temperatures.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
