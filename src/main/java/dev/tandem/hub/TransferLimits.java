package dev.tandem.hub;

import java.time.Duration;

/**
 * The limits of a download: parallel connections, tries and delays.
 *
 * @param connections ranges of one file that are downloaded at once
 * @param partBytes the bytes of a part; an interruption costs at most one part per connection
 * @param partsPerRange the parts of one request
 * @param attempts tries without progress before the download fails
 * @param firstDelay before the second try; twice as long before each further one
 * @param longestDelay before any try
 * @param longestRetryAfter the longest delay that a hub may ask for; a longer one is reported as an
 *     error
 * @param silence the time without data after which a connection counts as dead
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

  /** The same limits with another number of connections. */
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
