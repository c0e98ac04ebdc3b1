package dev.tandem.cli.measure;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.options.BackendMixin;
import dev.tandem.cli.options.ConfigMixin;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.options.TokenizerOptionMixin;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.cli.terminal.Version;
import dev.tandem.measure.MeasuredModel;
import dev.tandem.measure.Perplexity;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ModelSource;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem perplexity}: measures how well a model predicts a text. */
@Command(
    name = "perplexity",
    versionProvider = Version.class,
    optionListHeading = "Text:",
    description = {
      "Measure how well a model predicts a text: lower is better.",
      "The text is cut into windows, each run from an empty context; see docs/perplexity.md."
    })
public final class PerplexityCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      defaultValue = ModelSource.DEFAULT,
      description = "A file, a directory, a built-in or a pulled model. Default: ${DEFAULT-VALUE}")
  private String model;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      required = true,
      description = "The text, UTF-8.")
  private Path file;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Only the text's last N tokens; 0 for all. Default: ${DEFAULT-VALUE}")
  private int tokens;

  @Option(
      names = "--window",
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens of a window; 0 for the model's context. Default: ${DEFAULT-VALUE}")
  private int window;

  @Option(
      names = "--stride",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Tokens from one window to the next; 0 for a whole window. Default: ${DEFAULT-VALUE}")
  private int stride;

  @Option(names = "--json", fallbackValue = "true", description = "As JSON.")
  private boolean json;

  @Mixin private TokenizerOptionMixin tokenizer;
  @Mixin private ConfigMixin config;
  @Mixin private EngineMixin engine;
  @Mixin private BackendMixin backend;
  @Mixin GeneralMixin general;

  @Override
  public Integer call() throws IOException {
    EngineSettings settings = backend.apply(engine.settings());
    if (tokens < 0) {
      throw Usage.wrong(spec, "--tokens", "must be >= 0", tokens);
    }
    String text = text();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    ModelSource source = config.source(spec, model, tokenizer.given());
    try (MeasuredModel measured = OpenModels.open(spec, source, engine.type())) {
      Perplexity.notes(settings).forEach(console::warn);
      measured.tokenizer().notes().forEach(console::warn);
      Perplexity.Options options = options(measured.maxSeq());
      int[] ids = measured.tokenizer().encode(text, false);
      if (tokens > 0 && tokens < ids.length) {
        ids = Arrays.copyOfRange(ids, ids.length - tokens, ids.length);
      }
      Perplexity.Result result =
          Perplexity.measure(measured, settings, ids, options, soFar -> note(console, soFar));
      console.println(shown(measured.name(), ids.length, options, result));
    }
    return 0;
  }

  private String text() throws IOException {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": not UTF-8; convert the text first", e);
    }
  }

  private Perplexity.Options options(int maxSeq) {
    int chosenWindow = window == 0 ? maxSeq : window;
    if (chosenWindow > maxSeq) {
      throw Usage.wrong(
          spec, "--window", "must be at most " + maxSeq + ", the model's context", window);
    }
    return new Perplexity.Options(chosenWindow, stride == 0 ? chosenWindow : stride);
  }

  private static void note(Console console, Perplexity.Result soFar) {
    console.note(
        String.format(Locale.ROOT, "window %d: %.4f so far", soFar.windows(), soFar.perplexity()));
  }

  private String shown(
      String name, int nTokens, Perplexity.Options options, Perplexity.Result result)
      throws IOException {
    if (!json) {
      return String.format(
          Locale.ROOT,
          "perplexity %.4f (%.6f nats per token; %d of %d tokens, windows of %d, stride %d)",
          result.perplexity(),
          result.meanLoss(),
          result.scored(),
          nTokens,
          options.window(),
          options.stride());
    }
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("model", name);
    facts.put("tokens", nTokens);
    facts.put("window", options.window());
    facts.put("stride", options.stride());
    facts.put("windows", result.windows());
    facts.put("scored", result.scored());
    facts.put("mean_loss", result.meanLoss());
    facts.put("perplexity", result.perplexity());
    return new ObjectMapper().writeValueAsString(facts);
  }
}
