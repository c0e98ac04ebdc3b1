package dev.tandem.settings;

/** Follows the conversion of a model that is loaded in another type. */
public interface LoadListener {

  /** Does nothing. */
  LoadListener NONE = (done, total) -> true;

  /**
   * Bytes were converted; called every few MiB.
   *
   * @return whether to go on; if not, loading fails
   */
  boolean converted(long doneBytes, long totalBytes);
}
