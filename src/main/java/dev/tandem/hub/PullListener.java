package dev.tandem.hub;

/** Receives the progress of a pull; called from several threads. */
public interface PullListener {
  /** Ignores everything. */
  PullListener NONE =
      new PullListener() {
        @Override
        public void downloaded(long bytes, long total) {}

        @Override
        public void note(String line) {}
      };

  /**
   * Reports the progress of the download; called often.
   *
   * @param bytes the bytes on disk, including those of an earlier try; may fall if something must
   *     be downloaded again
   * @param total the bytes of the model, as far as they are known
   */
  void downloaded(long bytes, long total);

  /** Reports a note for the user, such as the reason of a delay. */
  void note(String line);
}
