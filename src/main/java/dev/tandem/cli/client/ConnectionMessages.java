package dev.tandem.cli.client;

import dev.tandem.cli.terminal.Console;
import dev.tandem.settings.ConnectionListener;
import java.time.Duration;
import java.util.Locale;

/** Says in one line each that a server is lost, and that the text goes on. */
final class ConnectionMessages implements ConnectionListener {
  private final Console console;

  ConnectionMessages(Console console) {
    this.console = console;
  }

  @Override
  public void silent(String server, Duration since) {
    console.interject(
        String.format(
            Locale.ROOT, "nothing from %s for %d s; waiting for it", server, since.toSeconds()));
  }

  @Override
  public void lost(String server, String cause) {
    console.interject(cause + "; looking for it");
  }

  @Override
  public void restored(String server, Duration outage, boolean resumed) {
    console.interject(
        String.format(
            Locale.ROOT,
            "connected to %s again after %.1f s; %s",
            server,
            outage.toMillis() / 1000.0,
            resumed ? "it still holds the text" : "it computes the text again"));
  }
}
