package dev.tandem.types;

import dev.tandem.settings.LoadListener;
import java.io.IOException;
import java.io.InterruptedIOException;

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

  /** Tells a listener; the work ends when the listener says so. */
  static ConversionProgress of(LoadListener listener) {
    return new ConversionProgress() {
      private long total;
      private long done;

      @Override
      public void begin(long totalBytes) throws InterruptedIOException {
        total = totalBytes;
        advance("", 0);
      }

      @Override
      public void advance(String tensor, long bytes) throws InterruptedIOException {
        done += bytes;
        if (!listener.converted(done, total)) {
          throw new InterruptedIOException("the conversion was stopped");
        }
      }
    };
  }

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
