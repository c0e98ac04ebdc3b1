package dev.tandem.server;

import dev.tandem.settings.Offer;
import java.io.IOException;
import java.nio.ByteBuffer;

/** What clients may download of a model. Safe for use by many threads. */
public interface OfferedParts {

  /** The most that a client may have. */
  Offer offer();

  /**
   * A client's part as one file; takes a moment.
   *
   * @param wanted covered by {@link #offer}
   * @throws IOException if the model cannot be read, or the file's format cannot hold it
   */
  Part open(Offer wanted) throws IOException;

  /** The file of a part, which is made while it is read. */
  interface Part {

    /** The file's length. */
    long bytes();

    /** Another one for every other content; of letters, digits and dashes. */
    String tag();

    /**
     * Gives the bytes {@code from .. to - 1} to a sink, in order.
     *
     * @throws IOException if a file cannot be read, or the sink fails
     */
    void copy(long from, long to, Sink sink) throws IOException;
  }

  /** Receives bytes of a part. */
  @FunctionalInterface
  interface Sink {
    /**
     * Receives all that remain in a buffer, which is reused afterwards.
     *
     * @throws IOException if they cannot be passed on
     */
    void accept(ByteBuffer bytes) throws IOException;
  }
}
