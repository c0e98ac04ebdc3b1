package dev.tandem.runtime;

import dev.tandem.client.Traffic;
import dev.tandem.decoding.Generator;
import dev.tandem.model.Checkpoint;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A model whose stages are open, wherever they run. Safe for use by many threads: each generation
 * has a {@link Generator} of its own, and their steps meet in the schedulers of the stages.
 */
public interface ModelRuntime extends AutoCloseable {

  /** The model's files; those that run here, where it is split. */
  Checkpoint checkpoint();

  /** The model's tokenizer. */
  Tokenizer tokenizer();

  /** Whether the bits are those of a whole model in the native core. */
  boolean exact();

  /** What the user should know of how it computes here; one line each. */
  List<String> notes();

  /** What the connection has carried, if the model is split. */
  Optional<Traffic> traffic();

  /**
   * A generator over this model's stages, for one thread at a time. It needs no closing.
   *
   * @throws IOException if the embedding cannot be read
   */
  Generator newGenerator() throws IOException;

  /** Frees all stages; running generations fail. Idempotent. */
  @Override
  void close();
}
