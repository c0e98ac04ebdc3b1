package dev.tandem.decoding;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.SamplingOptions;
import java.io.IOException;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A sequence of a model that can be continued several times: what the stages have computed stays in
 * their caches, and only new rows are computed. One thread uses it at a time; {@link #close} may be
 * called by any thread, and then ends a running step with an error.
 */
public final class DecodingSession implements AutoCloseable {
  private final Generator generator;
  private final int capacity;
  private final TokenHistory history = new TokenHistory();
  private final ReplayableSteps steps;
  private final @Nullable Drafter drafter;
  private volatile boolean closed;

  DecodingSession(Generator generator, int capacity) {
    this.generator = generator;
    this.capacity = capacity;
    steps = new ReplayableSteps(generator, capacity, history);
    int maxDraft = generator.drafting().maxTokens();
    drafter = maxDraft == 0 ? null : generator.drafting().source().open(capacity);
  }

  /** Ids of the sequence so far, prompts and generated ones. */
  public int length() {
    return history.size();
  }

  /**
   * Adds a request's prompt to the sequence and continues it.
   *
   * @param cancelled asked before every step
   * @return what was generated, also when it was cancelled
   * @throws GenerationException if the prompt does not fit; the sequence is then as it was before
   * @throws IOException if a stage fails; the session is then closed
   * @throws IllegalStateException if it is closed
   */
  public GenerationResult run(GenerationRequest request, TokenSink sink, BooleanSupplier cancelled)
      throws IOException, GenerationException {
    int[] prompt =
        history.size() == 0
            ? request.prompt().begin(generator.tokenizer())
            : request.prompt().follow(generator.tokenizer());
    return run(prompt, request, sink, cancelled);
  }

  GenerationResult run(
      int[] prompt, GenerationRequest request, TokenSink sink, BooleanSupplier cancelled)
      throws IOException, GenerationException {
    generator.checkPrompt(prompt, history.size());
    DecodingRun.Tools tools = generator.tools(request);
    int promptBegin = history.size();
    history.addAll(prompt);
    // The last token drawn is not fed back, so it needs no position.
    long longest = Math.min((long) history.size() + request.maxTokens(), capacity + 1L);
    DecodingRun.Order order = new DecodingRun.Order(request, sink, cancelled);
    DecodingRun run = new DecodingRun(order, tools, history, promptBegin, (int) longest);
    run.speculate(begun(request));
    boolean usable = false;
    try {
      steps.drawAt(temperatures(request));
      run.run(steps);
      usable = true;
    } catch (GenerationException e) {
      usable = true;
      throw e;
    } catch (IOException | IllegalStateException e) {
      if (!cancelled.getAsBoolean()) {
        throw e;
      }
      run.cancel();
    } finally {
      if (!usable) {
        close();
      }
    }
    return run.finish();
  }

  private Speculation begun(GenerationRequest request) throws GenerationException {
    if (drafter != null) {
      drafter.begin(request, history.ids(), history.size());
    }
    return new Speculation(drafter, generator.drafting());
  }

  /** The temperatures at which top-p needs the sum of a row. */
  private static List<Double> temperatures(GenerationRequest request) {
    SamplingOptions sampling = request.sampling();
    return sampling.temperature() == 0 || sampling.topP() == 1
        ? List.of()
        : List.of(sampling.temperature());
  }

  /** Whether it was closed, by its owner or because a stage failed. */
  public boolean isClosed() {
    return closed;
  }

  /** Frees the sequence in all stages; idempotent. */
  @Override
  public void close() {
    closed = true;
    try {
      steps.close();
    } finally {
      if (drafter != null) {
        drafter.close();
      }
    }
  }
}
