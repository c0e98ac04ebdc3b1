package dev.tandem.cli.models;

import dev.tandem.cli.terminal.Console;
import dev.tandem.files.DownloadListener;
import java.io.PrintWriter;
import java.time.Duration;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows a download's progress on standard error: a bar on a terminal, some lines with {@code
 * --verbose}, otherwise nothing. The bar begins with the first byte, so a pull with nothing to
 * download shows no bar.
 */
final class PullProgress implements DownloadListener, AutoCloseable {
  private static final int COLUMNS = 79;
  private static final int BAR_MILLIS = 200;
  private static final int LINE_MILLIS = 5000;
  private static final long MEGABYTE = 1_000_000;

  private final String model;
  private final PrintWriter err;
  private final Console console;
  private final boolean terminal;
  private final boolean shown;
  private @Nullable ProgressBar bar;
  private boolean closed;

  private PullProgress(
      String model, PrintWriter err, Console console, boolean terminal, boolean shown) {
    this.model = model;
    this.err = err;
    this.console = console;
    this.terminal = terminal;
    this.shown = shown;
  }

  /** For a command whose notes go to a console. */
  static PullProgress of(String model, PrintWriter err, Console console, boolean verbose) {
    boolean terminal = Console.isTerminal(Console.STDERR);
    return new PullProgress(model, err, console, terminal, terminal || verbose);
  }

  @Override
  public synchronized void downloaded(long bytes, long total) {
    if (!shown || closed) {
      return;
    }
    if (bar == null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(model)
              .setInitialMax(total)
              .startsFrom(bytes, Duration.ZERO) // so that the speed is that of this download
              .setUnit(" MB", MEGABYTE)
              .showSpeed()
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(terminal ? BAR_MILLIS : LINE_MILLIS)
              .setConsumer(new DelegatingProgressBarConsumer(this::print, COLUMNS))
              .build();
    }
    bar.maxHint(total);
    bar.stepTo(bytes);
  }

  private void print(String line) {
    err.print(terminal ? "\r" + line : line + System.lineSeparator());
    err.flush();
  }

  @Override
  public synchronized void note(String line) {
    if (terminal && bar != null && !closed) {
      console.note(""); // the old bar stays, and a new one is drawn below
    }
    console.note(line);
  }

  /** Draws the bar for the last time. */
  @Override
  public synchronized void close() {
    if (bar != null && !closed) {
      bar.close();
      if (terminal) {
        console.note("");
      }
    }
    closed = true;
  }
}
