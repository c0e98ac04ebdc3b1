package dev.tandem.files;

/** Follows a {@link Download}; called from several threads. */
public interface DownloadListener {

  /** Ignores everything. */
  DownloadListener NONE = new DownloadListener() {};

  /**
   * Bytes were downloaded; called often.
   *
   * @param bytes the bytes on disk, including those of an earlier try; may fall if something must
   *     be downloaded again
   * @param total the bytes of the model, as far as they are known
   */
  default void downloaded(long bytes, long total) {}

  /** A note for the user, such as the reason of a delay; one line. */
  default void note(String line) {}
}
