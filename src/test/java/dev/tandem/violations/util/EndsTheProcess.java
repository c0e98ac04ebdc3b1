package dev.tandem.violations.util;

import org.bytedeco.javacpp.Loader;

/** In a package of odds and ends, ends the process, and sees JavaCPP. */
public final class EndsTheProcess {
  private EndsTheProcess() {}

  /** Never called. */
  public static void exit() {
    System.exit(Loader.totalChips());
  }
}
