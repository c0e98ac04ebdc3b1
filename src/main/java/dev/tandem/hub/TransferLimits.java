package dev.tandem.hub;

import java.time.Duration;

/**
 * How patient and how parallel a download is.
 *
 * @param connections ranges of one file that are downloaded at once
 * @param partBytes what is remembered to be there or not: so much an interruption can cost per
 *     connection
 * @param partsPerRange how many are asked for at once
 * @param attempts tries without progress before it is given up
 * @param firstDelay before the second try; twice as long before each further one
 * @param longestDelay before any try
 * @param longestRetryAfter what a hub may ask for; if it asks for more, that is told instead
 * @param silence after which a connection counts as dead
 */
record TransferLimits(
    int connections,
    int partBytes,
    int partsPerRange,
    int attempts,
    Duration firstDelay,
    Duration longestDelay,
    Duration longestRetryAfter,
    Duration silence) {

  static final TransferLimits DEFAULT =
      new TransferLimits(
          4,
          1 << 20,
          16,
          6,
          Duration.ofSeconds(1),
          Duration.ofSeconds(20),
          Duration.ofMinutes(2),
          Duration.ofSeconds(60));

  /** The same with another number of connections. */
  TransferLimits withConnections(int other) {
    return new TransferLimits(
        other,
        partBytes,
        partsPerRange,
        attempts,
        firstDelay,
        longestDelay,
        longestRetryAfter,
        silence);
  }
}
