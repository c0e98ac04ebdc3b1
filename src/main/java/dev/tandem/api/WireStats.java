package dev.tandem.api;

/**
 * What a connection has carried.
 *
 * @param roundTrips times that a generation waited for the server: once per sequence and per step
 * @param bytesSent payload bytes of messages sent
 * @param bytesReceived payload bytes of messages received
 * @param fullRows rows of logits asked for because the best ones left a draw open
 */
public record WireStats(long roundTrips, long bytesSent, long bytesReceived, long fullRows) {}
