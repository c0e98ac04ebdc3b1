package dev.tandem.runtime;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import java.io.IOException;
import java.util.List;

/**
 * Starts servers. Found by {@link java.util.ServiceLoader}, so that a client's jar need not contain
 * one.
 */
public interface Hosting {

  /** A model that is being offered. */
  interface Hosted extends AutoCloseable {

    /** Where clients connect. */
    String uri();

    /** The port that it listens on. */
    int port();

    /** What the user should know of how it computes here; one line each. */
    List<String> notes();

    /** The layers that it offers, and whether the head, in words. */
    String offer();

    /** The bytes of weights that a step of the whole offer reads. */
    long weightBytes();

    /** Sequences whose memory is reserved. */
    int activeSequences();

    /** Stops serving and frees the model; idempotent. */
    @Override
    void close();
  }

  /**
   * Loads the model, or the part that the checkpoint holds, and listens.
   *
   * @param checkpoint must stay open; the caller closes it after the server
   * @throws IOException if the model cannot be read, the checkpoint holds nothing to serve, or the
   *     address cannot be listened on
   * @throws IllegalArgumentException if the backend is for whole models only
   */
  Hosted start(Checkpoint checkpoint, EngineSettings settings, ServerOptions options)
      throws IOException;
}
