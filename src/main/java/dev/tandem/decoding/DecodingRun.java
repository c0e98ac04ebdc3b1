package dev.tandem.decoding;

import dev.tandem.generation.FinishReason;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.GenerationTimings;
import dev.tandem.sampling.Sampler;
import dev.tandem.stage.RowKind;
import dev.tandem.tokenizer.StreamingDecoder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way: compute the new rows of the prompt, then draw and feed back until a stop
 * rule holds.
 */
final class DecodingRun {
  /** Characters that get room at the start; a longer text gets more room as it grows. */
  private static final int TEXT_PER_TOKEN = 6;

  private static final int MAX_TEXT_ROOM = 1 << 20;

  /** The duration of a step that says nothing about steps. */
  private static final long NO_TIME = -1;

  /**
   * What a user asks for.
   *
   * @param cancelled asked before every step
   */
  record Order(GenerationRequest request, TokenSink sink, BooleanSupplier cancelled) {}

  /** Computes the rows of the run's sequence. */
  interface Steps {

    /**
     * Computes rows {@code from .. to-1}; the last ones, {@code wanted} of them, get logits.
     *
     * @throws IOException if a stage fails for good
     */
    void step(int from, int to, RowKind kind, int wanted) throws IOException;

    /**
     * Makes the chain's logits hold a row of the last step, if the last stage gave its best logits
     * only.
     *
     * @param row index within the step's rows with logits
     * @throws IOException if a stage fails for good
     */
    void fetch(int row) throws IOException;

    /** The largest number of rows whose logits one step can request. */
    int maxWanted();

    /** How often a stage was lost and had to compute its rows again. */
    int recoveries();
  }

  /** What the model brings to a run. */
  record Tools(
      StageChain chain, Sampler sampler, StreamingDecoder decoder, BitSet stopIds, int vocabSize) {}

  private final GenerationRequest request;
  private final TokenSink sink;
  private final BooleanSupplier cancelled;
  private final StageChain chain;
  private final Sampler sampler;
  private final StreamingDecoder decoder;
  private final BitSet stopIds;
  private final StopStrings stopStrings;
  private final @Nullable Logprobs logprobs;
  private final List<GeneratedToken> tokens = new ArrayList<>();

  /** What the generated ids say; its end may still become a stop string. */
  private final StringBuilder text;

  private final boolean takesText;
  private final TokenHistory history;
  private final int promptBegin;
  private final int promptEnd;

  /** Ids that the sequence has at most when the run ends. */
  private final int longest;

  private Speculation speculation = new Speculation(null, Drafting.NONE);
  private boolean stopped;
  private int nDrawn;
  private int nEmitted; // characters of the text
  private FinishReason finishReason = FinishReason.LENGTH;

  private long startNanos;
  private long promptEndNanos;
  private long endNanos;
  private long decodeStageNanos;
  private int nDecoded;

  /**
   * @param history the sequence so far, which ends with the request's prompt
   * @param promptBegin index of the prompt's first id
   * @param longest ids that the sequence may have in the end
   */
  DecodingRun(Order order, Tools tools, TokenHistory history, int promptBegin, int longest) {
    this.request = order.request();
    this.sink = order.sink();
    this.cancelled = order.cancelled();
    this.chain = tools.chain();
    this.sampler = tools.sampler();
    this.decoder = tools.decoder();
    this.stopIds = tools.stopIds();
    this.history = history;
    this.promptBegin = promptBegin;
    this.longest = longest;
    promptEnd = history.size();
    stopStrings = new StopStrings(request.stopStrings());
    logprobs =
        request.logprobs().isPresent()
            ? new Logprobs(tools.vocabSize(), request.logprobs().getAsInt())
            : null;
    history.reserve(longest);
    long room = (long) TEXT_PER_TOKEN * Math.max(0, longest - promptEnd);
    text = new StringBuilder((int) Math.min(room, MAX_TEXT_ROOM));
    takesText = sink.takesText();
    for (int i = 0; i < promptEnd; i++) {
      sampler.acceptPrompt(history.ids()[i]);
      decoder.next(history.ids()[i], text); // a decoder's text depends on what came before
      text.setLength(0);
    }
  }

  /** Lets the run draft tokens; called before {@link #run}. */
  void speculate(Speculation drafts) {
    speculation = drafts;
  }

  void run(Steps steps) throws IOException, GenerationException {
    startNanos = System.nanoTime();
    try {
      computePrompt(steps);
    } finally {
      promptEndNanos = System.nanoTime();
      endNanos = promptEndNanos;
    }
    long stageNanos = chain.stageNanos();
    try {
      decode(steps);
    } finally {
      endNanos = System.nanoTime();
      decodeStageNanos = chain.stageNanos() - stageNanos;
    }
  }

  /** The rows that are not computed yet, in frames that end at multiples of the frame's size. */
  private void computePrompt(Steps steps) throws IOException {
    int from = history.computed();
    if (from == promptEnd && promptEnd > 0) {
      step(steps, promptEnd - 1, promptEnd, RowKind.GENERATED, 1); // for its logits
      return;
    }
    while (from < promptEnd && !isCancelled()) {
      int frame = chain.frameRows();
      int to = Math.min(from - from % frame + frame, promptEnd);
      step(steps, from, to, RowKind.PROMPT, to == promptEnd ? 1 : 0);
      from = to;
    }
  }

  private void step(Steps steps, int from, int to, RowKind kind, int wanted) throws IOException {
    steps.step(from, to, kind, wanted);
    history.setComputed(to);
  }

  private void decode(Steps steps) throws IOException, GenerationException {
    while (!stopped && history.size() < longest && !isCancelled()) {
      int size = history.size();
      if (size == promptEnd) {
        int unused = take(steps, size, 0); // the prompt's last row has its logits
        continue;
      }
      int room = Math.min(longest - size, steps.maxWanted()) - 1;
      int nDrafted = speculation.propose(history, room);
      int recoveries = steps.recoveries();
      long start = System.nanoTime();
      step(steps, size - 1, size + nDrafted, RowKind.GENERATED, 1 + nDrafted);
      long stepNanos = System.nanoTime() - start;
      int nAccepted = take(steps, size, nDrafted);
      nDecoded += 1 + nAccepted;
      speculation.compared(nAccepted, steps.recoveries() == recoveries ? stepNanos : NO_TIME);
      history.setComputed(size + nAccepted); // the next step cuts the wrong guesses off
    }
  }

  /**
   * Draws a token from each row of the last step, up to the first one that is not the row's guess.
   *
   * @param size ids before the first draw; the guesses lie behind them
   * @return how many guesses were right
   */
  private int take(Steps steps, int size, int nDrafted) throws IOException, GenerationException {
    for (int row = 0; ; row++) {
      int guess = row < nDrafted ? history.ids()[size + row] : Sampler.NO_TOKEN;
      int id = draw(steps, row);
      if (!add(id, row)) {
        stopped = true;
        return row;
      }
      if (id != guess) {
        return row;
      }
    }
  }

  /** Adds a token and its text, unless it stops the text. */
  private boolean add(int id, int row) {
    if (stopIds.get(id) && !request.ignoreEos()) {
      finishReason = FinishReason.STOP;
      return false;
    }
    int before = text.length();
    decoder.next(id, text);
    int certain = stopStrings.read(text, before);
    if (stopStrings.found()) {
      finishReason = FinishReason.STOP;
      text.setLength(certain);
      emit(certain);
      return false;
    }
    sampler.accept(id);
    history.add(id);
    sink.token(id, details(id, row));
    emit(certain);
    return true;
  }

  private @Nullable GeneratedToken details(int id, int row) {
    if (logprobs == null) {
      return null;
    }
    GeneratedToken token = logprobs.of(chain.logits(), row * chain.vocabSize(), id);
    tokens.add(token);
    return token;
  }

  private int draw(Steps steps, int row) throws IOException, GenerationException {
    int position = history.size();
    boolean tries = logprobs == null && !chain.top().isEmpty();
    int id = tries ? sampler.decide(chain.top().get(row), position) : Sampler.UNDECIDED;
    if (id == Sampler.UNDECIDED) {
      steps.fetch(row);
      id = sampler.sample(chain.logits(), row * chain.vocabSize(), position);
    }
    nDrawn++;
    if (id == Sampler.NO_TOKEN) {
      throw new GenerationException(
          "no token can be drawn at position "
              + history.size()
              + ": each one's logit is not a number or forbids it (is the model file damaged?)");
    }
    return id;
  }

  /** Passes the text up to there to the sink. */
  private void emit(int end) {
    if (takesText && end > nEmitted) {
      sink.text(text.substring(nEmitted, end));
    }
    nEmitted = end;
  }

  private boolean isCancelled() {
    if (cancelled.getAsBoolean()) {
      cancel();
    }
    return finishReason == FinishReason.CANCELLED;
  }

  /** Ends the run where it is. */
  void cancel() {
    finishReason = FinishReason.CANCELLED;
  }

  /** Passes the rest of the text to the sink and returns the result. */
  GenerationResult finish() {
    if (!stopStrings.found()) {
      int before = text.length();
      decoder.finish(text);
      int certain = stopStrings.read(text, before);
      if (stopStrings.found()) {
        text.setLength(certain);
        finishReason = finishReason == FinishReason.LENGTH ? FinishReason.STOP : finishReason;
      }
      emit(text.length());
    }
    return new GenerationResult(
        history.copy(promptBegin, promptEnd),
        history.copy(promptEnd, history.size()),
        text.toString(),
        finishReason,
        request.sampling().seed(),
        tokens,
        new GenerationTimings(
            promptEnd - promptBegin,
            promptEndNanos - startNanos,
            nDecoded,
            endNanos - promptEndNanos,
            decodeStageNanos,
            nDrawn,
            speculation.proposed(),
            speculation.compared(),
            speculation.accepted()));
  }
}
