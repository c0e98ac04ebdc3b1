package dev.tandem.cli.measure;

import dev.tandem.settings.Backend;
import java.io.PrintWriter;

/** Shows the progress of a comparison in one line that changes, if standard error is a terminal. */
final class CompareProgress {
  private static final String ERASE = "\r\u001b[K";

  private final PrintWriter err;
  private final boolean shown;
  private final int maxTokens;
  private boolean lineBegun;

  CompareProgress(PrintWriter err, boolean shown, int maxTokens) {
    this.err = err;
    this.shown = shown;
    this.maxTokens = maxTokens;
  }

  void show(Backend backend, int tokens) {
    if (shown) {
      String state = tokens == 0 ? "loading" : "token " + tokens + " of " + maxTokens;
      err.print(ERASE + backend + ": " + state);
      err.flush();
      lineBegun = true;
    }
  }

  /** Removes the line; idempotent. */
  void clear() {
    if (lineBegun) {
      err.print(ERASE);
      err.flush();
      lineBegun = false;
    }
  }
}
