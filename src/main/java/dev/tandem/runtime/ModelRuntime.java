package dev.tandem.runtime;

import dev.tandem.client.Traffic;
import dev.tandem.decoding.Generator;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.Reply;
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
   * What the last stage should give for a request. It decides how much work a generation is, and
   * never what comes out.
   */
  Reply replyFor(GenerationRequest request);

  /**
   * A generator over this model's stages, for one thread at a time. It needs no closing.
   *
   * @param reply one that {@link #replyFor} returned
   * @throws IOException if the embedding cannot be read, or a server cannot be reached
   */
  Generator newGenerator(Reply reply) throws IOException;

  /** Frees all stages; running generations fail. Idempotent. */
  @Override
  void close();
}
