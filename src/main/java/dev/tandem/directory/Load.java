package dev.tandem.directory;

import java.util.OptionalDouble;

/**
 * What using a server costs, as far as it is known.
 *
 * @param roundTripMillis the time from a question to its answer; 0 where nothing is compared
 * @param millisPerLayer what a layer takes for a step of generated rows under the present load;
 *     empty if the server does not say
 */
public record Load(double roundTripMillis, OptionalDouble millisPerLayer) {}
