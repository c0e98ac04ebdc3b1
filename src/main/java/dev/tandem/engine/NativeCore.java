package dev.tandem.engine;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
      @Nullable Throwable cause = e instanceof ExceptionInInitializerError ? e.getCause() : null;
      String message = (cause == null ? e : cause).getMessage();
      return message == null
          ? e.getClass().getSimpleName()
          : message.lines().findFirst().orElse("");
    }
  }
}
