package dev.tandem.hub;

/** Watches a model being pulled; called from several threads. */
public interface PullListener {
  /** Sees nothing. */
  PullListener NONE =
      new PullListener() {
        @Override
        public void downloaded(long bytes, long total) {}

        @Override
        public void note(String line) {}
      };

  /**
   * How far the download is; called often.
   *
   * @param bytes how many are here, those of an earlier try included; less than before where
   *     something must be downloaded again
   * @param total how many the model has, as far as is known yet
   */
  void downloaded(long bytes, long total);

  /** Something that a person who watches wants to know, such as why nothing moves. */
  void note(String line);
}
