package dev.tandem.violations.cli.client;

import dev.tandem.violations.client.UsesServer;

/** An entry point that reaches the server, in two steps. */
public final class ClientMain {
  private ClientMain() {}

  /** Does nothing but depend. */
  public static Object start() {
    return new UsesServer();
  }
}
