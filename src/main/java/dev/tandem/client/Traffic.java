package dev.tandem.client;

/**
 * The traffic of a connection.
 *
 * @param roundTrips times that the caller waited for the server: once per open and per step
 * @param bytesSent payload bytes of messages sent
 * @param bytesReceived payload bytes of messages received
 * @param fullRows rows of logits asked for because the best ones left a draw open
 */
public record Traffic(long roundTrips, long bytesSent, long bytesReceived, long fullRows) {

  /** The sum of both. */
  public Traffic plus(Traffic other) {
    return new Traffic(
        roundTrips + other.roundTrips,
        bytesSent + other.bytesSent,
        bytesReceived + other.bytesReceived,
        fullRows + other.fullRows);
  }
}
