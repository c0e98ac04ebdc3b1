package dev.tandem.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationException;
import dev.tandem.generation.GenerationListener;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.GenerationTimings;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** One generation on the command line: streams the text, or prints one JSON object. */
final class GenerationRun {
  private final PromptMixin prompt;
  private final Console console;
  private final long startNanos;

  /**
   * @param startNanos when loading began
   */
  GenerationRun(PromptMixin prompt, Console console, long startNanos) {
    this.prompt = prompt;
    this.console = console;
    this.startNanos = startNanos;
  }

  /**
   * Runs it.
   *
   * @param text the prompt, shown before its continuation
   * @param wire facts about the wire for the JSON object, asked for afterwards; empty for none
   */
  int run(TextModel model, String text, Supplier<Map<String, Object>> wire)
      throws IOException, GenerationException {
    AtomicBoolean cancelled = new AtomicBoolean();
    Interrupts.onInterrupt(() -> cancelled.set(true));
    int[] ids = prompt.promptIds(model.tokenizer(), text);
    GenerationRequest request = prompt.request(ids).cancelled(cancelled::get).build();
    double loadMs = (System.nanoTime() - startNanos) / 1e6;
    GenerationResult result;
    if (prompt.json) {
      result = model.generate(request, GenerationListener.NONE);
      console.println(
          new ObjectMapper().writeValueAsString(facts(model, text, result, loadMs, wire.get())));
    } else {
      if (!prompt.noEcho) {
        console.print(text);
      }
      result =
          model.generate(
              request,
              new GenerationListener() {
                @Override
                public void text(String piece) {
                  if (!console.print(piece)) {
                    cancelled.set(true); // nobody reads any more
                  }
                }
              });
      console.println("");
    }
    summary(model, result, loadMs);
    return result.cancelled() ? Cli.INTERRUPTED : 0;
  }

  private void summary(TextModel model, GenerationResult result, double loadMs) {
    GenerationTimings timings = result.timings();
    console.note(
        String.format(
            Locale.ROOT,
            "[%s: loaded in %.0f ms; prompt %d tokens in %.1f ms; %d tokens, %.2f ms/token; seed %d]",
            model.name(),
            loadMs,
            timings.promptTokens(),
            timings.promptNanos() / 1e6,
            result.ids().length,
            msPerToken(timings),
            result.seed()));
  }

  private static double msPerToken(GenerationTimings timings) {
    return timings.decodeTokens() == 0 ? 0 : timings.decodeNanos() / 1e6 / timings.decodeTokens();
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
    times.put("prompt_ms", timings.promptNanos() / 1e6);
    times.put("decode_tokens", timings.decodeTokens());
    times.put("decode_ms", timings.decodeNanos() / 1e6);
    times.put("ms_per_token", msPerToken(timings));
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("model", model.name());
    facts.put("prompt", text);
    facts.put("prompt_ids", result.promptIds());
    facts.put("ids", result.ids());
    facts.put("text", result.text());
    facts.put("finish_reason", result.finishReason().name().toLowerCase(Locale.ROOT));
    facts.put("seed", result.seed());
    facts.put("exact", model.exact());
    facts.put("timings", times);
    facts.put("draft", Map.of("proposed", 0, "accepted", 0));
    if (!wire.isEmpty()) {
      facts.put("wire", wire);
    }
    return facts;
  }
}
