package dev.tandem.plain;

import java.util.List;
import java.util.Optional;

/**
 * One layer's weights.
 *
 * @param qkv queries, keys and values, whose outputs are consecutive: one linear layer or three
 * @param gate the gate of a gated feed-forward network
 */
record Layer(
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
    return bytes + gate.map(linear -> linear.weights().bytes()).orElse(0L);
  }
}
