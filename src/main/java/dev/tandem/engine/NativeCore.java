package dev.tandem.engine;

import java.util.Optional;

/** Whether the native core runs on this machine. */
public final class NativeCore {
  private NativeCore() {}

  /**
   * Why the core cannot be loaded, in a few words; empty if it is loaded. Loading is tried once.
   */
  public static Optional<String> problem() {
    return Attempt.PROBLEM;
  }

  private static final class Attempt {
    static final Optional<String> PROBLEM = tried();

    private static Optional<String> tried() {
      try {
        TandemApi.load();
        return Optional.empty();
      } catch (LinkageError e) {
        return Optional.of(reason(e));
      }
    }

    private static String reason(LinkageError e) {
      // JavaCPP says that it found no library; why it could not load the one that it found is
      // below.
      Throwable first = e;
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        first = cause;
      }
      String message = first.getMessage();
      return message == null
          ? first.getClass().getSimpleName()
          : message.lines().findFirst().orElse("");
    }
  }
}
