package dev.tandem.api;

import dev.tandem.generation.EmbeddingTable;
import dev.tandem.generation.Generator;
import dev.tandem.model.Checkpoint;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.List;

/** Puts the generation loop together. */
public final class Generators {
  private Generators() {}

  public static Generator of(Checkpoint checkpoint, List<Stage> stages) throws IOException {
    EmbeddingTable embedding = EmbeddingTable.of(checkpoint);
    return new Generator(
        stages,
        (ids, from, to, position, out) -> embedding.lookup(ids, from, to, position, out, 0),
        checkpoint.tokenizer());
  }
}
