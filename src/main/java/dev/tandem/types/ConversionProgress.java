package dev.tandem.types;

import java.io.IOException;

/** Follows a model while it is written. */
public interface ConversionProgress {
  /** Nobody follows. */
  ConversionProgress NONE =
      new ConversionProgress() {
        @Override
        public void begin(long totalBytes) {
          // nobody to tell
        }

        @Override
        public void advance(String tensor, long bytes) {
          // nobody to tell
        }
      };

  /**
   * Called once, before the first tensor, with the bytes of all tensors as they will be written.
   */
  void begin(long totalBytes);

  /**
   * Called often, at least once for every few MiB.
   *
   * @param tensor the canonical name of the one that is being written
   * @param bytes written of it since the last call
   * @throws IOException to give up, such as {@link java.io.InterruptedIOException} when the user
   *     wants no more; the writer lets it through
   */
  void advance(String tensor, long bytes) throws IOException;
}
