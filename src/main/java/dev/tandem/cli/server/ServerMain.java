package dev.tandem.cli.server;

import dev.tandem.cli.terminal.Cli;

/** {@code tandem-server.jar}: the same as {@code tandem server}. */
public final class ServerMain {
  private ServerMain() {}

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String[] args) {
    Cli.main("tandem-server", new ServerCommand(), args);
  }
}
