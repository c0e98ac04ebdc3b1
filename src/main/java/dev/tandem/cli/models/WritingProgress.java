package dev.tandem.cli.models;

import dev.tandem.settings.LoadListener;
import dev.tandem.types.ConversionProgress;
import java.io.InterruptedIOException;

/** Shows a model that is being written or converted; ends it when its listener says so. */
public final class WritingProgress implements ConversionProgress {
  private final LoadListener listener;
  private long total;
  private long done;

  /** Passes everything on to a listener. */
  public WritingProgress(LoadListener listener) {
    this.listener = listener;
  }

  @Override
  public void begin(long totalBytes) throws InterruptedIOException {
    total = totalBytes;
    tell();
  }

  @Override
  public void advance(String tensor, long bytes) throws InterruptedIOException {
    done += bytes;
    tell();
  }

  private void tell() throws InterruptedIOException {
    if (!listener.converted(done, total)) {
      throw new InterruptedIOException("interrupted");
    }
  }
}
