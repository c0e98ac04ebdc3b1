package dev.tandem.api;

import dev.tandem.stage.Output;
import java.net.URI;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The place where a model is cut, and the reply of the server.
 *
 * @param server e.g. {@code ws://127.0.0.1:8080/v1/split}
 * @param localLayers layers {@code 0 .. localLayers - 1} run here, the others on the server; empty
 *     for all layers that a part holds, or no layer of a whole model
 * @param reply {@code HIDDEN}: the client computes the logits; {@code LOGITS}: the server does;
 *     empty: the client, if it has the head
 */
public record SplitOptions(URI server, OptionalInt localLayers, Optional<Output> reply) {

  /** Options with both choices made. */
  public SplitOptions(URI server, int localLayers, Output reply) {
    this(server, OptionalInt.of(localLayers), Optional.of(reply));
  }

  /** Options with both choices left to the checkpoint. */
  public SplitOptions(URI server) {
    this(server, OptionalInt.empty(), Optional.empty());
  }
}
