package dev.tandem.violations.cli.measure;

import dev.tandem.violations.server.Target;

/** A command that measures, and uses what the module does not export. */
public final class UsesInternals {
  private UsesInternals() {}

  /** Does nothing but depend. */
  public static Object target() {
    return new Target();
  }
}
