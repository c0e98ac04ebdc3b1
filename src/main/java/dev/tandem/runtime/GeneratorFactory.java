package dev.tandem.runtime;

import dev.tandem.decoding.Embedder;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.decoding.Generator;
import dev.tandem.model.Checkpoint;
import dev.tandem.stage.Stage;
import dev.tandem.tokenizer.Tokenizer;
import java.util.List;

/** Makes generators that share one model's embedding and tokenizer. */
public final class GeneratorFactory {
  private final Embedder embedder;
  private final Tokenizer tokenizer;
  private final DraftRuntime drafts;

  /**
   * A factory of generators that draft nothing.
   *
   * @param checkpoint has the embedding, and stays open as long as the generators are used
   */
  public GeneratorFactory(Checkpoint checkpoint, Tokenizer tokenizer) {
    this(checkpoint, tokenizer, DraftRuntime.NONE);
  }

  /**
   * A factory of generators.
   *
   * @param checkpoint has the embedding, and stays open as long as the generators are used
   * @param drafts guesses their tokens; must stay open, and the caller closes it
   */
  public GeneratorFactory(Checkpoint checkpoint, Tokenizer tokenizer, DraftRuntime drafts) {
    this.drafts = drafts;
    EmbeddingTable embedding = EmbeddingTable.of(checkpoint);
    embedder = (ids, from, to, position, out) -> embedding.lookup(ids, from, to, position, out, 0);
    this.tokenizer = tokenizer;
  }

  /** A generator over these stages, which stay the caller's. */
  public Generator of(List<Stage> stages) {
    return new Generator(stages, embedder, tokenizer, drafts.newDrafting());
  }
}
