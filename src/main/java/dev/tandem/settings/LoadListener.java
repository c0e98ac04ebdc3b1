package dev.tandem.settings;

/** Follows the conversion of a model that is loaded in another type, or the writing of a model. */
public interface LoadListener {

  /** Does nothing. */
  LoadListener NONE = (done, total) -> true;

  /**
   * Bytes were converted or written; called every few MiB.
   *
   * @return whether to go on; if not, the call that loads or writes fails
   */
  boolean converted(long doneBytes, long totalBytes);
}
