package dev.tandem.generation;

import dev.tandem.sampling.Sampler;
import dev.tandem.stage.RowKind;
import dev.tandem.tokenizer.StreamingDecoder;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;

/** One running request: prefill, then draw tokens and feed them back until a stop rule holds. */
final class Generation {
  /** Initial capacity in characters; a longer text grows it. */
  private static final int TEXT_PER_TOKEN = 6;

  private static final int MAX_TEXT_ROOM = 1 << 20;

  private final GenerationRequest request;
  private final GenerationListener listener;
  private final StageChain chain;
  private final Sampler sampler;
  private final StreamingDecoder decoder;
  private final BitSet stopIds;
  private final StopStrings stopStrings;

  /** The text of the generated ids; its end may still become a stop string. */
  private final StringBuilder text;

  private final boolean wantsText;

  /** Prompt and generated ids; the capacity is the longest sequence. */
  private final int[] ids;

  private final int nPrompt;
  private int nIds;
  private int nDrawn;
  private int nEmitted; // characters of the text
  private FinishReason finishReason = FinishReason.LENGTH;

  private long startNanos;
  private long promptEndNanos;
  private long endNanos;
  private long decodeStageNanos;
  private int nDecoded;

  Generation(
      GenerationRequest request,
      GenerationListener listener,
      StageChain chain,
      Sampler sampler,
      Tokenizer tokenizer,
      BitSet stopIds) {
    this.request = request;
    this.listener = listener;
    this.chain = chain;
    this.sampler = sampler;
    this.stopIds = stopIds;
    stopStrings = new StopStrings(request.stopStrings());
    decoder = tokenizer.decoder();
    int[] prompt = request.promptIds();
    nPrompt = prompt.length;
    nIds = nPrompt;
    // The last token drawn is not fed back, so it needs no position.
    long longest = Math.min((long) nPrompt + request.maxTokens(), chain.maxSeq() + 1L);
    ids = Arrays.copyOf(prompt, Math.toIntExact(longest));
    long room = (long) TEXT_PER_TOKEN * (ids.length - nPrompt);
    text = new StringBuilder((int) Math.min(room, MAX_TEXT_ROOM));
    wantsText = listener.wantsText();
    for (int id : prompt) {
      sampler.acceptPrompt(id);
      decoder.next(id, text); // a decoder's text depends on the earlier ids
      text.setLength(0);
    }
  }

  /** The number of positions that the sequences need. */
  int capacity() {
    return Math.min(ids.length, chain.maxSeq());
  }

  void run(StageChain.Sequences sequences) throws IOException, GenerationException {
    startNanos = System.nanoTime();
    try {
      prefill(sequences);
    } finally {
      promptEndNanos = System.nanoTime();
      endNanos = promptEndNanos;
    }
    long stageNanos = chain.stageNanos();
    try {
      decode(sequences);
    } finally {
      endNanos = System.nanoTime();
      decodeStageNanos = chain.stageNanos() - stageNanos;
    }
  }

  private void prefill(StageChain.Sequences sequences) throws IOException {
    int to;
    for (int from = 0; from < nPrompt && !isCancelled(); from = to) {
      to = Math.min(from + chain.frameRows(), nPrompt);
      chain.step(sequences, ids, from, to, RowKind.PROMPT, to == nPrompt);
    }
  }

  private void decode(StageChain.Sequences sequences) throws IOException, GenerationException {
    while (nIds < ids.length && !isCancelled()) {
      if (nIds > nPrompt) {
        chain.step(sequences, ids, nIds - 1, nIds, RowKind.GENERATED, true);
        nDecoded++;
      }
      int id = draw();
      if (stopIds.get(id) && !request.ignoreEos()) {
        finishReason = FinishReason.STOP;
        return;
      }
      int before = text.length();
      decoder.next(id, text);
      int certain = stopStrings.read(text, before);
      if (stopStrings.found()) {
        finishReason = FinishReason.STOP;
        text.setLength(certain);
        emit(certain);
        return;
      }
      sampler.accept(id);
      ids[nIds++] = id;
      listener.token(id);
      emit(certain);
    }
  }

  private int draw() throws GenerationException {
    int id = sampler.sample(chain.logits(), 0, nIds);
    nDrawn++;
    if (id == Sampler.NO_TOKEN) {
      throw new GenerationException(
          "no token can be drawn at position "
              + nIds
              + ": every logit is NaN or negative infinity (is the model file damaged?)");
    }
    return id;
  }

  /** Passes on the text up to a length. */
  private void emit(int end) {
    if (wantsText && end > nEmitted) {
      listener.text(text.substring(nEmitted, end));
    }
    nEmitted = end;
  }

  private boolean isCancelled() {
    if (request.cancelled().getAsBoolean()) {
      cancel();
    }
    return finishReason == FinishReason.CANCELLED;
  }

  /** Ends the generation at the current token. */
  void cancel() {
    finishReason = FinishReason.CANCELLED;
  }

  /** Passes on the text that was still held back, and makes the result. */
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
        Arrays.copyOf(ids, nPrompt),
        Arrays.copyOfRange(ids, nPrompt, nIds),
        text.toString(),
        finishReason,
        request.sampling().seed(),
        new GenerationTimings(
            nPrompt,
            promptEndNanos - startNanos,
            nDecoded,
            endNanos - promptEndNanos,
            decodeStageNanos,
            nDrawn));
  }
}
