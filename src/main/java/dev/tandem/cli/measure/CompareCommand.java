package dev.tandem.cli.measure;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.generation.PromptMixin;
import dev.tandem.cli.models.ShapeMixin;
import dev.tandem.cli.options.BackendMixin;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.options.TextModelMixin;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.cli.terminal.Version;
import dev.tandem.measure.Comparison;
import dev.tandem.measure.ComparisonResult;
import dev.tandem.measure.MeasuredModel;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tandem compare}: one prompt, all backends. */
@Command(
    name = "compare",
    versionProvider = Version.class,
    optionListHeading = "Comparison:",
    description = {
      "Continue a prompt greedily with every backend, and compare.",
      "Fails if two choose different tokens and rounding does not explain it; see"
          + " docs/backends.md."
    })
public final class CompareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private TextModelMixin model;
  @Mixin private ShapeMixin shape;
  @Mixin private PromptMixin prompt;

  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      defaultValue = "16",
      description = "Tokens to add to the prompt. Default: ${DEFAULT-VALUE}")
  private int maxTokens;

  @Option(
      names = BackendMixin.NAME,
      split = ",",
      paramLabel = "NAME",
      converter = BackendMixin.Converter.class,
      completionCandidates = BackendMixin.Names.class,
      defaultValue = "fast,blas-kv,blas,naive,java",
      description =
          "The backends; the others are compared with the first one. Default:"
              + " ${DEFAULT-VALUE}")
  private List<Backend> backends;

  @Option(names = "--json", fallbackValue = "true", description = "As JSON.")
  private boolean json;

  @Mixin private EngineMixin engine;
  @Mixin private GeneralMixin general;

  @Override
  public Integer call() throws IOException {
    EngineSettings settings = engine.settings();
    if (maxTokens < 1) {
      throw Usage.wrong(spec, "--max-tokens", "must be at least 1", maxTokens);
    }
    String text = prompt.text();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    try (MeasuredModel measured = OpenModels.open(spec, shape, model.source(), engine.type())) {
      Tokenizer tokenizer = measured.tokenizer();
      tokenizer.notes().forEach(console::warn);
      int[] ids = prompt.prompt(tokenizer, text).begin(tokenizer);
      ComparisonResult result = compare(measured, settings, ids);
      console.println(
          json
              ? new ObjectMapper()
                  .writeValueAsString(CompareReport.facts(measured.name(), text, result))
              : CompareReport.table(measured.name(), tokenizer, result));
      CompareReport.requireAgreement(result);
    }
    return 0;
  }

  private ComparisonResult compare(MeasuredModel measured, EngineSettings settings, int[] ids) {
    CompareProgress progress =
        new CompareProgress(
            spec.commandLine().getErr(), Console.isTerminal(Console.STDERR), maxTokens);
    try {
      return Comparison.run(
          measured,
          settings,
          backends.stream().distinct().toList(),
          ids,
          maxTokens,
          progress::show);
    } finally {
      progress.clear();
    }
  }
}
