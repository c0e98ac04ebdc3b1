package dev.tandem.runtime;

import dev.tandem.engine.NativeCore;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import java.util.List;
import java.util.Optional;

/**
 * What computes a model's layers here. It is chosen once for a model, in {@link #of}, and logged.
 *
 * @param backend what computes
 * @param fallback why it is not {@link Backend#FAST}, though none was named; else empty
 */
public record BackendChoice(Backend backend, Optional<String> fallback) {
  private static final System.Logger log = System.getLogger(BackendChoice.class.getName());

  /**
   * The backend that is named, else the native core, else plain Java.
   *
   * @throws LinkageError with the reason if a native backend is named and cannot be loaded
   */
  public static BackendChoice of(EngineSettings settings) {
    BackendChoice choice =
        settings.backend().map(BackendChoice::named).orElseGet(BackendChoice::best);
    log.log(
        System.Logger.Level.DEBUG,
        "backend {0}: {1}",
        choice.backend,
        settings.backend().isPresent() ? "it was named" : choice.fallback.orElse("the default"));
    return choice;
  }

  private static BackendChoice named(Backend backend) {
    if (backend != Backend.JAVA) {
      requireNativeCore();
    }
    return new BackendChoice(backend, Optional.empty());
  }

  private static BackendChoice best() {
    Optional<String> problem = NativeCore.problem();
    return new BackendChoice(problem.isPresent() ? Backend.JAVA : Backend.FAST, problem);
  }

  /**
   * Loads the native libraries.
   *
   * @throws LinkageError with the reason if they cannot be loaded
   */
  public static void requireNativeCore() {
    Optional<String> problem = NativeCore.problem();
    if (problem.isPresent()) {
      throw new UnsatisfiedLinkError(
          "the native libraries cannot be loaded (" + problem.get() + ")");
    }
  }

  /** What the user should know of the choice, one line each. */
  public List<String> notes() {
    return fallback
        .map(
            reason ->
                List.of(
                    "the native libraries cannot be loaded ("
                        + reason
                        + "); computing in plain Java, which is slower and has other rounding"
                        + " errors"))
        .orElse(List.of());
  }
}
