package dev.tandem.runtime;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

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
    String span();

    /** The bytes of weights that a step of the whole offer reads. */
    long weightBytes();

    /** Sequences whose memory is reserved. */
    int activeSequences();

    /** Stops serving and frees the model; idempotent. */
    @Override
    void close();
  }

  /**
   * Loads the model, or the part that its files hold, and listens.
   *
   * @param files must stay open; the caller closes them after the server
   * @param layers those to load and to offer, with the head if it follows them; empty for all that
   *     the files hold
   * @throws IOException if the model cannot be read, the files hold nothing to serve, or the
   *     address cannot be listened on
   * @throws IllegalArgumentException if the backend is for whole models only
   */
  Hosted start(
      Checkpoint files, Optional<Span> layers, EngineSettings settings, ServerOptions options)
      throws IOException;
}
