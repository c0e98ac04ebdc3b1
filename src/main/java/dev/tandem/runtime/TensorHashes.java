package dev.tandem.runtime;

import dev.tandem.model.ModelHash;
import dev.tandem.protocol.TensorHash;
import java.util.List;
import java.util.Locale;

/** The tensor list of a model hash in the form of the wire. */
public final class TensorHashes {
  private TensorHashes() {}

  /** The same entries as the wire carries them. */
  public static List<TensorHash> of(List<ModelHash.Entry> entries) {
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
