package dev.tandem.cli.generation;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.api.Generation;
import dev.tandem.api.GenerationListener;
import dev.tandem.api.TextModel;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.GenerationTimings;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One generation on the command line: streams the text, or prints one JSON object. */
public final class GenerationRun {
  private final GenerationMixin options;
  private final Console console;
  private final long startNanos = System.nanoTime();

  // Guarded by this.
  private boolean interrupted;
  private @Nullable Generation generation;

  /** A run whose model is about to be loaded. */
  public GenerationRun(GenerationMixin options, Console console) {
    this.options = options;
    this.console = console;
  }

  /** Ends the run; called by any thread. */
  public synchronized void interrupt() {
    interrupted = true;
    if (generation != null) {
      generation.cancel();
    }
  }

  /** Whether the user ended it. */
  public synchronized boolean interrupted() {
    return interrupted;
  }

  /**
   * Runs the generation.
   *
   * @param text the prompt, shown before its continuation
   * @param wire facts about the wire for the JSON object, read at the end; empty for none
   * @return the exit code
   */
  public int run(TextModel model, String text, Supplier<Map<String, Object>> wire)
      throws IOException {
    model.tokenizer().notes().forEach(console::warn);
    if (options.output.strict && !model.exact()) {
      throw new IOException(
          model.info().name()
              + " would not give the bits of the whole model in the native core here; leave out"
              + " --strict to run it all the same");
    }
    GenerationRequest request = options.request(model, text);
    double loadMs = millis(System.nanoTime() - startNanos);
    GenerationResult result;
    if (options.output.json) {
      result = start(model, request, GenerationListener.NONE).result();
      console.println(
          new ObjectMapper().writeValueAsString(facts(model, text, result, loadMs, wire.get())));
    } else {
      result = stream(model, text, request);
    }
    summary(model, result, loadMs);
    return interrupted() ? Cli.INTERRUPTED : 0;
  }

  private synchronized Generation start(
      TextModel model, GenerationRequest request, GenerationListener listener) {
    Generation started = model.start(request, listener);
    generation = started;
    if (interrupted) {
      started.cancel();
    }
    return started;
  }

  private GenerationResult stream(TextModel model, String text, GenerationRequest request) {
    Stream stream = new Stream(options.output.noEcho ? "" : text);
    try {
      GenerationResult result = start(model, request, stream).result();
      stream.begin();
      console.println("");
      return result;
    } finally {
      console.endLine(); // after a failure, so that its message stands alone
    }
  }

  /** Ends a generation whose reader has gone. */
  private synchronized void stop() {
    if (generation != null) {
      generation.cancel();
    }
  }

  private void summary(TextModel model, GenerationResult result, double loadMs) {
    GenerationTimings timings = result.timings();
    console.note(
        String.format(
            Locale.ROOT,
            "[%s: loaded in %.0f ms; prompt %d tokens in %.1f ms; %d tokens, %.2f ms/token; seed %d]",
            model.info().name(),
            loadMs,
            timings.promptTokens(),
            millis(timings.promptNanos()),
            result.ids().length,
            msPerToken(timings),
            result.seed()));
  }

  /** Milliseconds, to the microsecond. */
  private static double millis(long nanos) {
    return Math.round(nanos / 1e3) / 1e3;
  }

  private static double msPerToken(GenerationTimings timings) {
    return timings.decodeTokens() == 0 ? 0 : millis(timings.decodeNanos() / timings.decodeTokens());
  }

  private static Map<String, Object> facts(
      TextModel model,
      String text,
      GenerationResult result,
      double loadMs,
      Map<String, Object> wire) {
    GenerationTimings timings = result.timings();
    Map<String, Object> times = new LinkedHashMap<>();
    times.put("load_ms", loadMs);
    times.put("prompt_tokens", timings.promptTokens());
    times.put("prompt_ms", millis(timings.promptNanos()));
    times.put("decode_tokens", timings.decodeTokens());
    times.put("decode_ms", millis(timings.decodeNanos()));
    times.put("ms_per_token", msPerToken(timings));
    Map<String, Object> draft = new LinkedHashMap<>();
    draft.put("proposed", timings.draftedTokens());
    draft.put("compared", timings.comparedTokens());
    draft.put("accepted", timings.acceptedTokens());
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("model", model.info().name());
    facts.put("prompt", text);
    facts.put("prompt_ids", result.promptIds());
    facts.put("ids", result.ids());
    facts.put("text", result.text());
    facts.put("finish_reason", result.finishReason().name().toLowerCase(Locale.ROOT));
    facts.put("seed", result.seed());
    facts.put("exact", model.exact());
    facts.put("timings", times);
    facts.put("draft", draft);
    if (!wire.isEmpty()) {
      facts.put("wire", wire);
    }
    return facts;
  }

  /**
   * Prints the text as it arrives. The prompt appears before the first token, so a refused prompt
   * is not shown.
   */
  private final class Stream implements GenerationListener {
    private final String echo;
    private boolean begun;

    Stream(String echo) {
      this.echo = echo;
    }

    void begin() {
      if (!begun) {
        begun = true;
        show(echo);
      }
    }

    @Override
    public void token(GeneratedToken token) {
      begin();
    }

    @Override
    public void text(String piece) {
      begin();
      show(piece);
    }

    private void show(String piece) {
      if (!console.print(piece)) {
        stop(); // the reader has gone
      }
    }
  }
}
