package dev.tandem.api;

import dev.tandem.stage.Output;
import java.net.URI;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where a model is cut, and what comes back from the server.
 *
 * @param server e.g. {@code ws://127.0.0.1:8080/v1/split}
 * @param localLayers layers {@code 0 .. localLayers - 1} run here, the others on the server; empty
 *     for all that a part of a model holds, none of a whole model
 * @param reply {@code HIDDEN}: the logits are computed here; {@code LOGITS}: on the server; empty:
 *     here, if the head is here
 */
public record SplitOptions(URI server, OptionalInt localLayers, Optional<Output> reply) {

  /** With both choices made. */
  public SplitOptions(URI server, int localLayers, Output reply) {
    this(server, OptionalInt.of(localLayers), Optional.of(reply));
  }

  /** With both left to what the checkpoint holds. */
  public SplitOptions(URI server) {
    this(server, OptionalInt.empty(), Optional.empty());
  }
}
