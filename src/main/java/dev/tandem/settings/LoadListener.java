package dev.tandem.settings;

/**
 * Follows the conversion of a model that is loaded in another type, the writing of a model, or the
 * download of a part that a server offers.
 */
public interface LoadListener {

  /** Does nothing. */
  LoadListener NONE = (done, total) -> true;

  /**
   * Bytes were converted, written or downloaded; called often. An earlier try may have downloaded
   * some of them.
   *
   * @return whether to go on; if not, the call that loads or writes fails
   */
  boolean converted(long doneBytes, long totalBytes);

  /** A note for the user, such as the reason of a delay; one line. */
  default void note(String line) {}
}
