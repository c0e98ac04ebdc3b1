package dev.tandem.scheduler;

import java.util.OptionalDouble;

/**
 * How long a layer takes for a call of generated rows: a mean in which older calls count less. One
 * thread at a time adds to it, and any thread reads it.
 */
final class LayerPace {
  /** The share of the newest call. */
  private static final double NEWEST = 0.05;

  private volatile double millis;

  /**
   * Begins with a measurement.
   *
   * @param millis empty if there is none
   */
  LayerPace(OptionalDouble millis) {
    this.millis = millis.orElse(Double.NaN);
  }

  /** A call took that long. */
  void add(long nanos, int nLayers) {
    double latest = nanos / 1e6 / nLayers;
    double known = millis;
    millis = Double.isNaN(known) ? latest : known + NEWEST * (latest - known);
  }

  /** Milliseconds; empty if nothing was measured. */
  OptionalDouble millis() {
    double known = millis;
    return Double.isNaN(known) ? OptionalDouble.empty() : OptionalDouble.of(known);
  }
}
