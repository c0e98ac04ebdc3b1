package dev.tandem.generation;

import dev.tandem.sampling.Sampler;
import dev.tandem.sampling.Samplers;
import dev.tandem.stage.Stage;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.BitSet;
import java.util.List;

/**
 * Continues prompts with a model, given as a list of stages. It reuses its buffers, so one thread
 * may use it, for one request at a time. The owner of the stages closes them.
 */
public final class Generator {
  private final StageChain chain;
  private final Tokenizer tokenizer;
  private final BitSet stopIds = new BitSet();
  private final int vocabSize;

  /**
   * Creates a generator.
   *
   * @param stages the model's layers in order, the last stage with the head; prompt frames are cut
   *     at multiples of the first one's C
   * @param embedder the model's embedding
   * @param tokenizer the model's tokenizer; ids without a token are never drawn
   * @throws IllegalArgumentException if the stages do not make a whole model
   */
  public Generator(List<Stage> stages, Embedder embedder, Tokenizer tokenizer) {
    chain = new StageChain(stages, embedder);
    this.tokenizer = tokenizer;
    tokenizer.stopIds().forEach(stopIds::set);
    vocabSize = Math.min(chain.vocabSize(), tokenizer.vocabSize());
  }

  /** The number of positions that all stages can hold, which is the longest prompt. */
  public int maxSeq() {
    return chain.maxSeq();
  }

  /**
   * Continues a prompt. The stages' sequences are closed afterwards, also after a failure.
   *
   * <p>Up to {@link #maxSeq} positions can be computed, so a prompt of exactly that length can be
   * continued by one token, whose own position is not needed.
   *
   * @return the result, also if the request was cancelled
   * @throws GenerationException if the prompt is empty, too long or has an unknown id, if the
   *     sampling options do not fit the model, or if its logits are not usable
   * @throws IOException if a stage fails
   */
  public GenerationResult run(GenerationRequest request, GenerationListener listener)
      throws IOException, GenerationException {
    checkPrompt(request.promptIds());
    Generation generation =
        new Generation(request, listener, chain, sampler(request), tokenizer, stopIds);
    try (StageChain.Sequences sequences = chain.open(generation.capacity())) {
      generation.run(sequences);
    } catch (IOException | IllegalStateException e) {
      if (!request.cancelled().getAsBoolean()) {
        throw e;
      }
      generation.cancel();
    }
    return generation.finish();
  }

  private Sampler sampler(GenerationRequest request) throws GenerationException {
    try {
      return Samplers.of(request.sampling(), vocabSize);
    } catch (IllegalArgumentException e) {
      throw new GenerationException(String.valueOf(e.getMessage()));
    }
  }

  private void checkPrompt(int[] ids) throws GenerationException {
    if (ids.length == 0) {
      throw new GenerationException("the prompt has no tokens; the model needs at least one");
    }
    if (ids.length > maxSeq()) {
      throw new GenerationException(
          "the prompt has "
              + ids.length
              + " tokens, but the context holds only "
              + maxSeq()
              + "; shorten it");
    }
    for (int id : ids) {
      if (id < 0 || id >= vocabSize) {
        throw new GenerationException(
            "the prompt has token id " + id + ", but ids are 0 to " + (vocabSize - 1));
      }
    }
  }
}
