package dev.tandem.api;

import dev.tandem.protocol.ReplyKind;

/**
 * Where a model's pieces run, by the name that the benchmarks' parameter has.
 *
 * @param split whether there is a server at all
 * @param localLayers blocks on the client's side
 * @param reply what the server sends back
 */
record Placement(boolean split, int localLayers, ReplyKind reply) {

  static Placement of(String name, int nLayers) {
    return switch (name) {
      case "whole" -> new Placement(false, nLayers, ReplyKind.LOGITS);
      case "k0-hidden" -> new Placement(true, 0, ReplyKind.HIDDEN);
      case "k0-logits" -> new Placement(true, 0, ReplyKind.LOGITS);
      case "half-hidden" -> new Placement(true, nLayers / 2, ReplyKind.HIDDEN);
      default -> throw new IllegalArgumentException("no placement '" + name + "'");
    };
  }
}
