package dev.tandem.api;

import dev.tandem.protocol.TensorHash;
import dev.tandem.weights.ModelHash;
import java.util.List;
import java.util.Locale;

/** The model hash's tensor list in the wire's terms. */
final class TensorHashes {
  private TensorHashes() {}

  static List<TensorHash> of(List<ModelHash.Entry> entries) {
    return entries.stream()
        .map(
            e ->
                new TensorHash(
                    e.name(),
                    e.dtype().name().toLowerCase(Locale.ROOT),
                    List.of(e.rows(), e.cols()),
                    e.sha256()))
        .toList();
  }
}
