package dev.tandem.cli.options;

import dev.tandem.settings.LoadListener;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * The progress of a conversion or a download: a bar on standard error if that is a terminal, else
 * nothing.
 */
public final class ConvertProgress implements LoadListener, AutoCloseable {
  private static final int COLUMNS = 79;
  private static final int BAR_MILLIS = 200;
  private static final long MEGABYTE = 1_000_000;

  private final String task;
  private final PrintWriter err;
  private final boolean shown;
  private final BooleanSupplier interrupted;
  private @Nullable ProgressBar bar;
  private boolean begun;

  /**
   * @param task the title of the bar
   * @param shown whether there is a bar
   * @param interrupted asked often; the work ends if it is true
   */
  public ConvertProgress(String task, PrintWriter err, boolean shown, BooleanSupplier interrupted) {
    this.task = task;
    this.err = err;
    this.shown = shown;
    this.interrupted = interrupted;
  }

  private void begin(long doneBytes, long totalBytes) {
    if (shown) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(task)
              .setInitialMax(totalBytes)
              .startsFrom(doneBytes, Duration.ZERO) // so that the speed is that of this download
              .setUnit(" MB", MEGABYTE)
              .showSpeed()
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(BAR_MILLIS)
              .setConsumer(new DelegatingProgressBarConsumer(this::print, COLUMNS))
              .build();
    }
  }

  private void print(String line) {
    err.print("\r" + line);
    err.flush();
  }

  @Override
  public synchronized boolean converted(long doneBytes, long totalBytes) {
    if (!begun) {
      begun = true;
      begin(doneBytes, totalBytes);
    } else if (bar != null) {
      bar.stepTo(doneBytes);
    }
    return !interrupted.getAsBoolean();
  }

  @Override
  public synchronized void note(String line) {
    if (shown) {
      err.println((bar == null ? "" : System.lineSeparator()) + line);
      err.flush();
    }
  }

  /** Draws the bar for the last time; idempotent. */
  @Override
  public synchronized void close() {
    if (bar != null) {
      bar.close();
      bar = null;
      err.println();
      err.flush();
    }
  }
}
