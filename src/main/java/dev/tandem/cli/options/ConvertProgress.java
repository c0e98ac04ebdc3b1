package dev.tandem.cli.options;

import dev.tandem.settings.LoadListener;
import java.io.PrintWriter;
import java.util.function.BooleanSupplier;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A conversion's progress: a bar on standard error if that is a terminal, else nothing. */
public final class ConvertProgress implements LoadListener, AutoCloseable {
  private static final int COLUMNS = 79;
  private static final int BAR_MILLIS = 200;
  private static final long MEGABYTE = 1_000_000;

  private final String task;
  private final PrintWriter err;
  private final boolean shown;
  private final BooleanSupplier interrupted;
  private @Nullable ProgressBar bar;

  /**
   * @param task the title of the bar
   * @param shown whether there is a bar
   * @param interrupted asked often; the conversion ends if it is true
   */
  public ConvertProgress(String task, PrintWriter err, boolean shown, BooleanSupplier interrupted) {
    this.task = task;
    this.err = err;
    this.shown = shown;
    this.interrupted = interrupted;
  }

  private void begin(long totalBytes) {
    if (shown) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(task)
              .setInitialMax(totalBytes)
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
  public boolean converted(long doneBytes, long totalBytes) {
    if (doneBytes == 0) {
      begin(totalBytes);
    } else if (bar != null) {
      bar.stepTo(doneBytes);
    }
    return !interrupted.getAsBoolean();
  }

  /** Draws the bar for the last time; idempotent. */
  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
      err.println();
      err.flush();
    }
  }
}
