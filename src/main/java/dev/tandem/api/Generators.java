package dev.tandem.api;

import dev.tandem.generation.Generator;
import dev.tandem.stage.Stage;
import dev.tandem.weights.Checkpoint;
import dev.tandem.weights.EmbeddingTable;
import java.io.IOException;
import java.util.List;

/** Puts the generation loop together. */
final class Generators {
  private Generators() {}

  static Generator of(Checkpoint checkpoint, List<Stage> stages) throws IOException {
    EmbeddingTable embedding = EmbeddingTable.of(checkpoint);
    return new Generator(
        stages,
        (ids, from, to, position, out) -> embedding.lookup(ids, from, to, position, out, 0),
        checkpoint.tokenizer());
  }
}
