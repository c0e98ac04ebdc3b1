package dev.tandem.api;

import dev.tandem.decoding.GenerationException;
import dev.tandem.model.Checkpoint;
import java.io.IOException;

/** Turns a failure below into the exception for the user. */
final class Failures {
  private static final System.Logger log = System.getLogger(Failures.class.getName());

  private Failures() {}

  /**
   * The failure of a generation.
   *
   * @param split whether a failing step is a server's failure
   */
  static TandemException ofGeneration(Throwable e, boolean split) {
    if (e instanceof TandemException known) {
      return known;
    }
    if (e instanceof GenerationException) {
      return new RequestException(message(e), e);
    }
    if (e instanceof IOException) {
      return split ? new ServerException(message(e), e) : new ModelException(message(e), e);
    }
    return new TandemException("the generation failed: " + e, e);
  }

  /** The failure of opening a model's files, or of loading it. */
  static TandemException ofModel(Throwable e) {
    return e instanceof TandemException known ? known : new ModelException(e);
  }

  /** The failure of connecting to a server. */
  static TandemException ofServer(Throwable e) {
    return e instanceof TandemException known ? known : new ServerException(message(e), e);
  }

  /** Closes a model's files after what they were opened for. */
  static void close(Checkpoint files) {
    try {
      files.close();
    } catch (IOException e) {
      log.log(System.Logger.Level.DEBUG, "a model's file could not be closed", e);
    }
  }

  private static String message(Throwable e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
