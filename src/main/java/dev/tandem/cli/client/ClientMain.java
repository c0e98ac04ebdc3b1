package dev.tandem.cli.client;

import dev.tandem.cli.terminal.Cli;

/** {@code tandem-client.jar}: the same as {@code tandem client}. */
public final class ClientMain {
  private ClientMain() {}

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String[] args) {
    Cli.main("tandem-client", new ClientCommand(), args);
  }
}
