package dev.tandem.api;

import dev.tandem.protocol.ReplyKind;
import java.net.URI;

/**
 * Where a model is cut, and what comes back from the server.
 *
 * @param server e.g. {@code ws://127.0.0.1:8080/v1/split}
 * @param localLayers blocks {@code 0 .. localLayers - 1} run here, the others on the server
 * @param reply {@code HIDDEN}: the logits are computed here; {@code LOGITS}: on the server
 */
public record SplitOptions(URI server, int localLayers, ReplyKind reply) {}
