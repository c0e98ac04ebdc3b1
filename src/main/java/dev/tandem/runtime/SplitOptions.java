package dev.tandem.runtime;

import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import java.net.URI;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The place where a model is cut, and the reply of the server.
 *
 * @param server e.g. {@code ws://127.0.0.1:8080/v1/split}
 * @param localLayers layers {@code 0 .. localLayers - 1} run here, the others on the server; empty
 *     for all that a part of a model holds, none of a whole model
 * @param reply {@code HIDDEN}: the logits are computed here; {@code LOGITS}: on the server; empty:
 *     here, if the head is here
 * @param wire how rows travel in both directions
 * @param connection how long the client waits
 */
public record SplitOptions(
    URI server,
    OptionalInt localLayers,
    Optional<Output> reply,
    RowType wire,
    ConnectionOptions connection) {

  /** Options with both choices made. */
  public SplitOptions(URI server, int localLayers, Output reply) {
    this(
        server,
        OptionalInt.of(localLayers),
        Optional.of(reply),
        RowType.F32,
        ConnectionOptions.defaults());
  }

  /** Options with both choices left to the checkpoint. */
  public SplitOptions(URI server) {
    this(
        server,
        OptionalInt.empty(),
        Optional.empty(),
        RowType.F32,
        ConnectionOptions.defaults());
  }
}
