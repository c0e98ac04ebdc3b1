package dev.tandem.server;

import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Offer;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** What clients may download of a model. Safe for use by many threads. */
public interface OfferedParts {

  /** The most that a client may have. */
  Offer offer();

  /**
   * A client's part as one file; takes a moment.
   *
   * @param wanted covered by {@link #offer}
   * @param type what its matrices are converted to; empty for the model's own types. This takes as
   *     long as to read and convert the part, once.
   * @return empty while another part is being converted
   * @throws InvalidSettingException if the type has no fewer bits than the model's own types, or
   *     cannot hold a value; the setting is {@code type}
   * @throws InterruptedIOException if the thread is interrupted
   * @throws IOException if the model cannot be read, or the file's format cannot hold it
   */
  Optional<Part> open(Offer wanted, Optional<WeightType> type) throws IOException;

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
