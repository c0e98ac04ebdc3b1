package dev.tandem.directory;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What using a server costs, as far as it is known.
 *
 * @param roundTripMillis the time from a question to its answer
 * @param millisPerLayer what a layer takes for one generated row; empty if it is not measured
 * @param openSequences sequences of all clients; empty if the server does not say
 */
public record Load(
    double roundTripMillis, OptionalDouble millisPerLayer, OptionalInt openSequences) {

  /** Nothing but the round-trip time is known. */
  public static Load of(double roundTripMillis) {
    return new Load(roundTripMillis, OptionalDouble.empty(), OptionalInt.empty());
  }
}
