package dev.tandem.measure;

/**
 * What drafts were worth on one text.
 *
 * @param text its name
 * @param promptTokens tokens before each window's first draw
 * @param tokens tokens that were drawn after the first one of each window
 * @param roundTrips times that the client waited for the server for them
 * @param drafted tokens that were guessed
 * @param compared guesses that were compared with a draw
 * @param accepted guesses that were right; each saved a round trip
 * @param msPerToken time of the whole loop
 * @param bytesSent payload bytes to the server for these tokens
 * @param bytesReceived payload bytes from the server for these tokens
 */
public record DraftReplayRow(
    String text,
    int promptTokens,
    long tokens,
    long roundTrips,
    long drafted,
    long compared,
    long accepted,
    double msPerToken,
    long bytesSent,
    long bytesReceived) {

  /** Round trips for a token: 1 without drafts. */
  public double roundTripsPerToken() {
    return (double) roundTrips / tokens;
  }

  /** The share of compared guesses that were right; 0 without any. */
  public double acceptance() {
    return compared == 0 ? 0 : (double) accepted / compared;
  }
}
