package dev.tandem.measure;

import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationTimings;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.GeneratorFactory;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.List;

/**
 * The cost of a generated token outside the stages, measured in the generation loop itself: {@link
 * GenerationTimings#javaNanosPerToken}. Real steps run in between, so that the caches have their
 * usual content.
 */
final class HostOverhead {
  /** Tokens of one measured run; few, so that an interrupted run is only one of many. */
  private static final int TOKENS = 4;

  /** Long enough for the virtual machine to compile the hot code. */
  private static final long WARM_UP_NANOS = 1_000_000_000L;

  private static final TokenSink SINK = new TokenSink() {};

  private final Checkpoint checkpoint;
  private final Generator generator;
  private final int repeat;

  HostOverhead(Checkpoint checkpoint, List<Stage> stages, int repeat) throws IOException {
    this.checkpoint = checkpoint;
    this.repeat = repeat;
    generator = new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(stages);
  }

  /**
   * Microseconds per token of many short runs, each the continuation of one random token.
   *
   * @throws IOException if a stage fails
   */
  Quartiles usPerToken(SamplingOptions sampling) throws IOException {
    long start = System.nanoTime();
    int runs = 0;
    do {
      run(sampling, runs++);
    } while (System.nanoTime() - start < WARM_UP_NANOS);
    double[] us = new double[repeat];
    for (int i = 0; i < repeat; i++) {
      us[i] = run(sampling, runs + i).javaNanosPerToken() / 1e3;
    }
    return Quartiles.of(us);
  }

  private GenerationTimings run(SamplingOptions sampling, int id) throws IOException {
    try {
      return generator
          .run(
              GenerationRequest.of(id % checkpoint.config().vocabSize())
                  .sampling(sampling)
                  .maxTokens(TOKENS)
                  .ignoreEos(true),
              SINK)
          .timings();
    } catch (GenerationException e) {
      throw new IOException(checkpoint.name() + ": " + e.getMessage(), e);
    }
  }
}
