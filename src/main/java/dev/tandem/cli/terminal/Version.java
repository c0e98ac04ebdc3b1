package dev.tandem.cli.terminal;

import picocli.CommandLine.IVersionProvider;

/** The version that the jar's manifest states. */
public final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Version.class.getPackage().getImplementationVersion();
    return new String[] {"tandem " + (version == null ? "(not packaged)" : version)};
  }
}
