package dev.tandem.plain;

import java.util.List;
import java.util.Optional;

/**
 * One block's weights.
 *
 * @param qkv queries, keys and values, whose outputs lie one after another: one layer or three
 * @param gate of gated feed-forward layers
 */
record Block(
    Norm attnNorm,
    List<Linear> qkv,
    Linear attnOutput,
    Norm ffnNorm,
    Optional<Linear> gate,
    Linear up,
    Linear down) {

  /** Bytes of the matrices. */
  long bytes() {
    long bytes = attnOutput.weights().bytes() + up.weights().bytes() + down.weights().bytes();
    for (Linear part : qkv) {
      bytes += part.weights().bytes();
    }
    return bytes + gate.map(layer -> layer.weights().bytes()).orElse(0L);
  }
}
