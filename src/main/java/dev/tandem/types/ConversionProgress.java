package dev.tandem.types;

import java.io.IOException;

/** Receives the progress while a model is written. */
public interface ConversionProgress {
  /** No progress is reported. */
  ConversionProgress NONE =
      new ConversionProgress() {
        @Override
        public void begin(long totalBytes) {
          // ignored
        }

        @Override
        public void advance(String tensor, long bytes) {
          // ignored
        }
      };

  /**
   * Called once, before the first tensor, with the bytes of all tensors as they will be written.
   */
  void begin(long totalBytes) throws IOException;

  /**
   * Called often, at least once for every few MiB.
   *
   * @param tensor the canonical name of the tensor that is being written
   * @param bytes the bytes of it that were written since the last call
   * @throws IOException to stop the conversion, such as {@link java.io.InterruptedIOException}
   *     after Ctrl-C; the writer passes it on
   */
  void advance(String tensor, long bytes) throws IOException;
}
