package dev.tandem.decoding;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.sampling.Sampler;
import dev.tandem.sampling.Samplers;
import dev.tandem.stage.Stage;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.BitSet;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Continues prompts with a model, given as a list of stages. It reuses its buffers, so one thread
 * uses it, for one request at a time; the stages stay their owner's to close.
 */
public final class Generator {
  private final StageChain chain;
  private final Embedder embedder;
  private final Tokenizer tokenizer;
  private final Drafting drafting;
  private final BitSet stopIds = new BitSet();
  private final int vocabSize;

  /** Ids that stand for no text and end none, such as rows that pad the model's matrices. */
  private final int[] silentIds;

  private volatile @Nullable DecodingSession current;

  /**
   * A generator that drafts nothing.
   *
   * @throws IllegalArgumentException if the stages do not make a whole model
   */
  public Generator(List<Stage> stages, Embedder embedder, Tokenizer tokenizer) {
    this(stages, embedder, tokenizer, Drafting.NONE);
  }

  /**
   * A generator.
   *
   * @param stages the model's layers in order, the last stage with the head; prompt frames are cut
   *     at multiples of the first one's C
   * @param embedder the model's embedding
   * @param tokenizer the model's tokenizer; ids that it does not know are never drawn
   * @param drafting how the next tokens are guessed
   * @throws IllegalArgumentException if the stages do not make a whole model
   */
  public Generator(List<Stage> stages, Embedder embedder, Tokenizer tokenizer, Drafting drafting) {
    this.drafting = drafting;
    chain = new StageChain(stages);
    this.embedder = embedder;
    this.tokenizer = tokenizer;
    tokenizer.stopIds().forEach(stopIds::set);
    vocabSize = Math.min(chain.vocabSize(), tokenizer.vocabSize());
    silentIds =
        IntStream.range(0, vocabSize)
            .filter(id -> !stopIds.get(id) && !tokenizer.hasText(id))
            .toArray();
  }

  /** Positions that all stages can hold: no prompt may be longer. */
  public int maxSeq() {
    return chain.maxSeq();
  }

  /**
   * Continues a prompt in a sequence of its own. Whatever happens, the stages' sequences are closed
   * afterwards.
   *
   * <p>Up to {@link #maxSeq} positions can be computed, so a prompt of exactly that length can be
   * continued by one token, whose own position is not needed any more.
   *
   * @param cancelled asked before every step; may turn true at any time, on any thread. While it is
   *     true, a failing stage (closed to interrupt a step, say) ends the generation as cancelled
   *     too
   * @return what was generated, also when it was cancelled
   * @throws GenerationException if the prompt is empty, too long or has an unknown id, if the
   *     sampling options do not fit the model, or if its logits are not usable
   * @throws IOException if a stage fails
   */
  public GenerationResult run(GenerationRequest request, TokenSink sink, BooleanSupplier cancelled)
      throws IOException, GenerationException {
    int[] prompt = request.prompt().begin(tokenizer);
    checkPrompt(prompt, 0);
    try (DecodingSession session =
        open((int) Math.min((long) prompt.length + request.maxTokens(), maxSeq()))) {
      current = session;
      return session.run(prompt, request, sink, cancelled);
    } finally {
      current = null;
    }
  }

  /**
   * Frees the sequence of the running {@link #run}, if there is one; a step that is being computed
   * then ends with an error. May be called by any thread.
   */
  public void abort() {
    DecodingSession session = current;
    if (session != null) {
      session.close();
    }
  }

  /** {@link #run(GenerationRequest, TokenSink, BooleanSupplier)} that cannot be cancelled. */
  public GenerationResult run(GenerationRequest request, TokenSink sink)
      throws IOException, GenerationException {
    return run(request, sink, () -> false);
  }

  /**
   * A sequence that is continued several times. It belongs to the thread that uses this generator.
   *
   * @param capacity positions that it can have; 1 to {@link #maxSeq}
   */
  public DecodingSession open(int capacity) {
    return new DecodingSession(this, capacity);
  }

  StageChain chain() {
    return chain;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  DecodingRun.Tools tools(GenerationRequest request) throws GenerationException {
    return new DecodingRun.Tools(chain, sampler(request), tokenizer.decoder(), stopIds, vocabSize);
  }

  Embedder embedder() {
    return embedder;
  }

  Drafting drafting() {
    return drafting;
  }

  /** Whether an id ends a text. */
  boolean isStop(int id) {
    return stopIds.get(id);
  }

  Sampler sampler(GenerationRequest request) throws GenerationException {
    try {
      return Samplers.of(request.sampling(), vocabSize, silentIds);
    } catch (IllegalArgumentException e) {
      throw new GenerationException(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Checks ids that are about to join a sequence.
   *
   * @param before ids that it has already
   */
  void checkPrompt(int[] ids, int before) throws GenerationException {
    if (ids.length == 0 && before == 0) {
      throw new GenerationException("the prompt has no tokens; the model needs at least one");
    }
    if (ids.length > maxSeq() - before) {
      throw new GenerationException(
          "the prompt has "
              + ids.length
              + " tokens"
              + (before == 0 ? "" : " after " + before + " others")
              + ", but the context holds only "
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
